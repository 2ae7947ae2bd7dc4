// SPDX-License-Identifier: Apache-2.0
// UTF-8 names for those who cannot read them: the escaping schemes of content negotiation, and
// names in URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vigil::web {

enum class NameEscaping { kAllowUtf8, kUnderscores, kDots, kValues };

// allow-utf-8, underscores, dots, values; nothing for other words.
std::optional<NameEscaping> ParseNameEscaping(std::string_view word);
std::string_view NameEscapingWord(NameEscaping escaping);

// A name of metric or label as the reader can take it. Legacy names stay as they are, but for
// kDots, which doubles their underscores.
std::string EscapeName(std::string_view name, NameEscaping escaping);

// Undoes kValues: U__foo_2e_bar -> foo.bar, U__a__b -> a_b. Text that is not so encoded, or
// wrongly, stays as it is.
std::string UnescapeLabelName(std::string_view name);

}  // namespace vigil::web
