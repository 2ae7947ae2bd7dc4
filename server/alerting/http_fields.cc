// SPDX-License-Identifier: Apache-2.0
// http_config: the rows and checks of server/config.
#include "server/alerting/config_rows.h"
#include "server/config/validate.h"

namespace vigil::alerting {

Result<void> CheckHttp(Reader& reader, const YamlNode& node, HttpConfig* http) {
  return config::FinishHttp(reader, node, http);
}

Result<void> HttpConfigCodec::Read(Reader& reader, const YamlNode& node, HttpConfig* out) {
  TRY(config::ReadStruct(reader, node, out));
  return CheckHttp(reader, node, out);
}

}  // namespace vigil::alerting
