// SPDX-License-Identifier: Apache-2.0
#include "server/notify/url.h"

#include <algorithm>

#include "client-lib/base/strings.h"

namespace vigil::notify {
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

Result<void> CheckUrl(std::string_view url) {
  const size_t scheme = url.find("://");
  const std::string name = AsciiLower(url.substr(0, std::min(scheme, url.size())));
  if (scheme == std::string_view::npos || (name != "http" && name != "https")) {
    return BadData("unsupported scheme " +
                   Quote(scheme == std::string_view::npos ? std::string() : name) + " for URL");
  }
  const std::string_view rest = url.substr(scheme + 3);
  if (rest.empty() || rest.find_first_of("/?#") == 0) return BadData("missing host for URL");
  return Ok();
}

std::string JoinPath(std::string_view url, std::string_view path) {
  const size_t end = std::min(url.find_first_of("?#"), url.size());
  std::string out(url.substr(0, end));
  while (out.ends_with('/')) out.pop_back();
  while (path.starts_with('/')) path.remove_prefix(1);
  out += '/';
  out += path;
  return out.append(url.substr(end));
}

std::string AddQuery(std::string_view url,
                     const std::vector<std::pair<std::string, std::string>>& values) {
  if (values.empty()) return std::string(url);
  const size_t end = std::min(url.find('#'), url.size());
  std::string out(url.substr(0, end));
  out += out.find('?') == std::string::npos ? '?' : '&';
  out += EncodeQuery(values);
  return out.append(url.substr(end));
}

}  // namespace vigil::notify
