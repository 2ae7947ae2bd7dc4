// SPDX-License-Identifier: Apache-2.0
#include "server/config/environment.h"

#include <utility>

namespace vigil::config {
namespace {

bool IsNameChar(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsSpecial(char c) {
  return std::string_view("*#$@!?-0123456789").find(c) != std::string_view::npos;
}

// The name behind a `$` and how many characters it takes there. An empty name with characters is
// broken syntax, which Go swallows.
std::pair<std::string_view, size_t> NameAfterDollar(std::string_view rest) {
  if (rest[0] == '{') {
    size_t close = rest.find('}');
    if (close == std::string_view::npos) return {{}, 1};
    return {rest.substr(1, close - 1), close + 1};
  }
  if (IsSpecial(rest[0])) return {rest.substr(0, 1), 1};
  size_t end = 0;
  while (end < rest.size() && IsNameChar(rest[end])) ++end;
  return {rest.substr(0, end), end};
}

}  // namespace

std::string ExpandVariables(std::string_view text,
                            const std::function<std::string(const std::string&)>& lookup) {
  std::string out;
  size_t i = 0;
  while (i < text.size()) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    auto [name, length] = NameAfterDollar(text.substr(i + 1));
    if (!name.empty()) {
      out += lookup(std::string(name));
    } else if (length == 0) {
      out += '$';
    }
    i += 1 + length;
  }
  return out;
}

}  // namespace vigil::config
