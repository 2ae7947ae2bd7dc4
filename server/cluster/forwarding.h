// SPDX-License-Identifier: Apache-2.0
// What a server that stands by passes on to the leader, and what of the answer it passes back.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "client-lib/http/message.h"

namespace vigil::cluster {

// Names the server that passed the request on. A request that has it is not passed on again: two
// servers that take each other for the leader would never end.
inline constexpr std::string_view kForwardedBy = "X-Vigil-Forwarded-By";

// Hop by hop (RFC 9110, 7.6.1), or made anew by client and server. connection: the value of the
// message's Connection header, which names more of them.
bool StaysOnThisHop(std::string_view name, std::string_view connection);

// The path behind the route prefix ("" or "/a/b"), with its leading slash; not_found when the path
// is not below it.
Result<std::string_view> PathBelow(std::string_view path, std::string_view prefix);

// Method, path, query, body and headers of the request, Authorization included; Accept-Encoding
// is not among them, for the answer is encoded for the client by this server. leader_url is
// "http://host:port/prefix" without a slash at its end; self is named in kForwardedBy. The body is
// moved out of the request. not_found as PathBelow; bad_data on a path with "." or ".." segments;
// unavailable on a request that was passed on already.
Result<http::ClientRequest> RequestToLeader(http::Request& request, std::string_view leader_url,
                                            std::string_view prefix, const std::string& self);

// Status, headers and body as they came.
http::Response AnswerOfLeader(http::ClientResponse answer);

}  // namespace vigil::cluster
