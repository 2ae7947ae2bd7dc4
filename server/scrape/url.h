// SPDX-License-Identifier: Apache-2.0
// The URL of a target.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::scrape {

// scheme://address/path?params, escaped as Go's net/url does; parameters sorted by name.
std::string MakeUrl(std::string_view scheme, std::string_view address, std::string_view path,
                    const std::map<std::string, std::vector<std::string>>& params);

// What other machines can reach: a loopback host becomes `hostname`, and the server's own port
// with it the external URL (may be empty).
std::string MakeGlobalUrl(const std::string& url, const std::string& hostname,
                          const std::string& external_url, int listen_port);

}  // namespace vigil::scrape
