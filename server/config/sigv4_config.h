// SPDX-License-Identifier: Apache-2.0
// Who signs requests for AWS.
#pragma once

#include <string>

#include "server/config/http_client_config.h"

namespace vigil::config {

struct Sigv4Config {
  std::string region;
  std::string access_key;
  Secret secret_key;
  std::string profile;
  std::string role_arn;
  std::string external_id;
};

}  // namespace vigil::config
