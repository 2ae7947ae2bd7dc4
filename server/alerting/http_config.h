// SPDX-License-Identifier: Apache-2.0
// How receivers reach their services: the http_config of alertmanager.yml.
#pragma once

#include "server/config/http_client_config.h"

namespace vigil::alerting {

using HttpConfig = config::HttpClientConfig;

}  // namespace vigil::alerting
