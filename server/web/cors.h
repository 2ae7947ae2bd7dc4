// SPDX-License-Identifier: Apache-2.0
// Which other sites' pages may read the answers: --web.cors.origin.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/model/matcher.h"

namespace vigil::web {

// Threads: any (immutable).
class Cors {
 public:
  // A regular expression that the whole origin must match; ".*" lets all in. bad_data names the
  // flag when it does not compile.
  static Result<Cors> Create(std::string_view origin_pattern);

  // Sets the headers when the request has an Origin.
  void SetHeaders(const http::Request& request, http::Response* response) const;

 private:
  explicit Cors(Regexp origin) : origin_(std::move(origin)) {}

  Regexp origin_;
};

}  // namespace vigil::web
