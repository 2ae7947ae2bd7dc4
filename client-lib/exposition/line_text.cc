// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/line_text.h"

#include "client-lib/base/strings.h"
#include "client-lib/model/labels.h"

namespace vigil::exposition {

// A long line of garbage must not fill the log.
std::string Shown(std::string_view text) {
  constexpr size_t kMostShown = 80;
  if (text.size() <= kMostShown) return Quote(text);
  return Quote(text.substr(0, kMostShown)) + "...";
}

size_t QuotedLength(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::string_view TakeFamilyName(std::string_view* text) {
  if (text->starts_with('"')) {
    const size_t length = QuotedLength(*text);
    if (length == std::string_view::npos) return {};
    const std::string_view name = text->substr(1, length - 2);
    text->remove_prefix(length);
    return name;
  }
  size_t length = 0;
  while (length < text->size() && !IsBlank((*text)[length])) ++length;
  const std::string_view name = text->substr(0, length);
  if (!IsLegacyMetricName(name)) return {};
  text->remove_prefix(length);
  return name;
}

}  // namespace vigil::exposition
