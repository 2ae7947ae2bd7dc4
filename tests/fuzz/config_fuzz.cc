// SPDX-License-Identifier: Apache-2.0
// Any bytes as prometheus.yml: an error or a configuration that is read back from its own YAML.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "client-lib/base/log.h"
#include "client-lib/base/result.h"
#include "server/config/loader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = vigil::log::Configure("error", "logfmt").has_value();
  CHECK(quiet);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  vigil::config::LoadOptions options;
  options.follow_scrape_config_files = false;
  options.environment = [](const std::string&) { return std::optional<std::string>("value"); };
  auto config = vigil::config::LoadText(text, "prometheus.yml", options);
  if (config) {
    // Bytes that are no UTF-8 may come back changed; the text must still be a configuration.
    auto again = vigil::config::LoadText(ToYaml(*config), "again.yml", options);
    CHECK(again || again.error().message.find("not valid") != std::string::npos);
  }
  auto groups = vigil::config::ParseTargetGroups(text, "targets.json");
  return groups || !groups.error().message.empty() ? 0 : 1;
}
