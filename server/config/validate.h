// SPDX-License-Identifier: Apache-2.0
// Checks that concern more than one key, and defaults that come from other keys.
#pragma once

#include "server/config/config.h"
#include "server/config/reader.h"

namespace vigil::config {

// `node` is the mapping that was read, for the positions in messages.
Result<void> FinishGlobal(Reader& reader, const YamlNode& node, GlobalConfig* global);
Result<void> FinishScrapeConfig(Reader& reader, const YamlNode& node, const GlobalConfig& global,
                                ScrapeConfig* job);
Result<void> FinishOtlp(const Reader& reader, const YamlNode& node, OtlpConfig* otlp);
Result<void> FinishHttp(const Reader& reader, const YamlNode& node, HttpClientConfig* http);
Result<void> CheckSigv4(const Reader& reader, const YamlNode& node, const Sigv4Config& sigv4);
// relabels: its block has relabel_configs, which may make addresses of anything.
Result<void> FinishDiscovery(const Reader& reader, const YamlNode& node,
                             const DiscoveryConfig& discovery, bool relabels);

// A job as it is before its keys are read: what `global` says about all jobs.
ScrapeConfig JobDefaults(const GlobalConfig& global);

// "host:port" without a scheme or path; the reason when it is not.
Result<void> CheckTargetAddress(const std::string& address);

}  // namespace vigil::config
