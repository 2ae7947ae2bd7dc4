// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/url.h"

namespace vigil::scrape {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

void AppendEscaped(std::string_view text, std::string_view also_plain, bool plus_for_space,
                   std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (IsUnreserved(c) || also_plain.find(c) != std::string_view::npos) {
      *out += c;
    } else if (c == ' ' && plus_for_space) {
      *out += '+';
    } else {
      *out += '%';
      *out += kHex[byte >> 4];
      *out += kHex[byte & 15];
    }
  }
}

}  // namespace

std::string MakeUrl(std::string_view scheme, std::string_view address, std::string_view path,
                    const std::map<std::string, std::vector<std::string>>& params) {
  std::string url(scheme);
  url += "://";
  url += address;
  if (!path.empty() && path[0] != '/') url += '/';
  AppendEscaped(path, "/$&+,:;=@!'()*", false, &url);
  char separator = '?';
  for (const auto& [name, values] : params) {
    for (const std::string& value : values) {
      url += separator;
      separator = '&';
      AppendEscaped(name, "", true, &url);
      url += '=';
      AppendEscaped(value, "", true, &url);
    }
  }
  return url;
}

std::string MakeGlobalUrl(const std::string& url, const std::string& hostname,
                          const std::string& external_url, int listen_port) {
  size_t host_begin = url.find("://");
  if (host_begin == std::string::npos) return url;
  host_begin += 3;
  size_t host_end = std::min(url.find_first_of("/?", host_begin), url.size());
  std::string address = url.substr(host_begin, host_end - host_begin);
  size_t colon = address.rfind(':');
  if (!address.empty() && address.back() == ']') colon = std::string::npos;
  std::string host = address.substr(0, colon);
  std::string port = colon == std::string::npos ? "" : address.substr(colon);
  if (host != "localhost" && host != "127.0.0.1" && host != "[::1]") return url;
  if (port == ":" + std::to_string(listen_port) && !external_url.empty()) {
    std::string base = external_url;
    size_t path = base.find('/', base.find("://") + 3);
    return base.substr(0, path) + url.substr(host_end);
  }
  if (hostname.empty()) return url;
  return url.substr(0, host_begin) + hostname + port + url.substr(host_end);
}

}  // namespace vigil::scrape
