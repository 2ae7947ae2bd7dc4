// SPDX-License-Identifier: Apache-2.0
// The text reader on any bytes: no crash, and the three ways through a page agree.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/exposition/classic_line.h"
#include "client-lib/exposition/content_type.h"
#include "client-lib/exposition/families.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/exposition/text_writer.h"

namespace {

using namespace vigil;              // NOLINT(google-build-using-namespace)
using namespace vigil::exposition;  // NOLINT(google-build-using-namespace)

// By its raw text a line has the labels that parsing gives.
void CheckFamilyLine(std::string_view series, std::string_view family, LabelsBuilder labels) {
  std::string base;
  if (!ReadFamilyLine(series, family, "le", &base)) return;
  LabelsBuilder rest;
  CHECK(ParseSeries(base, &rest).has_value());
  for (LabelsBuilder* one : {&labels, &rest}) one->Delete(kMetricName);
  labels.Delete("le");
  CHECK(labels.Build() == rest.Build());
}

// Samples of the page up to its end, or nothing when a line is wrong.
std::optional<size_t> CountSamples(std::string_view page) {
  TextReader reader(page);
  LabelsBuilder labels;
  size_t samples = 0;
  std::string_view family;
  for (;;) {
    const Result<Entry> entry = reader.Next();
    if (!entry) return std::nullopt;
    if (entry->kind == EntryKind::kEnd) return samples;
    if (entry->kind == EntryKind::kHelp) UnescapeHelp(entry->help);
    if (entry->kind == EntryKind::kType) family = entry->series;
    if (entry->kind != EntryKind::kSample) continue;
    CHECK(entry->series.data() >= page.data());
    CHECK(entry->series.data() + entry->series.size() <= page.data() + page.size());
    if (!ParseSeries(entry->series, &labels)) return std::nullopt;
    CHECK(labels.Has(kMetricName));
    CheckFamilyLine(entry->series, family, labels);
    ++samples;
  }
}

size_t CountPoints(const std::vector<Family>& families) {
  size_t points = 0;
  for (const Family& family : families) points += family.points.size();
  return points;
}

std::string Written(const std::vector<Family>& families) {
  std::string page;
  for (const Family& family : families) AppendText(family, &page);
  return page;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  ParseContentType(page);
  const std::optional<size_t> samples = CountSamples(page);
  const Result<std::vector<Family>> families = ParseFamilies(page);
  if (!families) return 0;
  // What makes families is readable line by line, with as many samples.
  CHECK(samples.has_value());
  CHECK(*samples == CountPoints(*families));
  // What was written is read back to the same page. (Families whose samples took a suffix before
  // their TYPE was known may group differently the second time.)
  const std::string once = Written(*families);
  if (const Result<std::vector<Family>> again = ParseFamilies(once)) {
    CHECK(CountPoints(*again) == *samples);
    CHECK(Written(*again) == once);
  }
  return 0;
}
