// SPDX-License-Identifier: Apache-2.0
// Any bytes as alertmanager.yml: an error that names the file, or a configuration that can be
// shown.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/alerting/config_loader.h"
#include "server/alerting/route_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = vigil::alerting::LoadAlertingText(text, "alertmanager.yml");
  if (!config) {
    CHECK(config.error().message.find("alertmanager.yml") != std::string::npos);
    return 0;
  }
  CHECK(!ToYaml(*config).empty());
  const vigil::alerting::RouteTree tree(config->route);
  CHECK(!tree.Match(vigil::Labels::Of({{"alertname", "x"}})).empty());
  return 0;
}
