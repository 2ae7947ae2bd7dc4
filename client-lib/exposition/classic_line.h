// SPDX-License-Identifier: Apache-2.0
// Which part of which metric a line is, by the raw text of its series: without parsing labels, so
// that a page of histograms stays cheap.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vigil::exposition {

struct FamilyLine {
  std::string_view suffix;  // of the name, behind that of the family
  std::string_view value;   // of the own label, as it stands there; empty: there is none
};

// `family` is what TYPE said. *base becomes the text of the series without the suffix and without
// the label `own`: the same for all lines of one metric, and itself the text of a series. Nothing
// when the name does not begin with the family's, or the text is not readable.
std::optional<FamilyLine> ReadFamilyLine(std::string_view series, std::string_view family,
                                         std::string_view own, std::string* base);

enum class ClassicPart { kNone, kBucket, kCount, kSum };

// The same for a family of classic histograms, whose own label is le: *bound becomes that of a
// bucket. kNone when the line is no part of a histogram of the family, or not readable.
ClassicPart ReadClassicLine(std::string_view series, std::string_view family, std::string* base,
                            double* bound);

}  // namespace vigil::exposition
