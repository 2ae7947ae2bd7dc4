// SPDX-License-Identifier: Apache-2.0
// The discovery mechanisms: one row each. To add one: a file beside this, its block in
// server/config/scrape_config.h, a row in list.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "server/config/scrape_config.h"
#include "server/discovery/provider.h"

namespace vigil::discovery {

// A provider with a text that is equal when nothing about it changed: then a reload keeps it.
struct NamedProvider {
  std::string fingerprint;
  std::unique_ptr<Provider> provider;
};

struct Mechanism {
  std::string_view key;  // in scrape_configs: static_configs, file_sd_configs
  std::string_view help;
  // The providers that this job's configuration asks for.
  std::vector<NamedProvider> (*create)(const config::ScrapeConfig& job);
};

std::span<const Mechanism> Mechanisms();

}  // namespace vigil::discovery
