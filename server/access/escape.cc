// SPDX-License-Identifier: Apache-2.0
#include "server/access/escape.h"

#include <algorithm>

namespace vigil::access {
namespace {

std::string Escape(std::string_view text, std::string_view also_plain, bool plus_for_blank) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alnum || std::string_view("-_.~").find(c) != std::string_view::npos ||
        also_plain.find(c) != std::string_view::npos) {
      out += c;
    } else if (c == ' ' && plus_for_blank) {
      out += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace

std::string QueryEscape(std::string_view text) { return Escape(text, "", true); }

std::string PathEscape(std::string_view text) { return Escape(text, "$&+=:@", false); }

std::string EncodeQuery(std::vector<std::pair<std::string, std::string>> values) {
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (const auto& [name, value] : values) {
    if (!out.empty()) out += '&';
    out += QueryEscape(name) + "=" + QueryEscape(value);
  }
  return out;
}

}  // namespace vigil::access
