// SPDX-License-Identifier: Apache-2.0
#include "server/notify/url.h"

#include <algorithm>

#include "client-lib/base/strings.h"

namespace vigil::notify {

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
