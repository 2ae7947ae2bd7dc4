// SPDX-License-Identifier: Apache-2.0
// /api/v1/targets, /api/v1/scrape_pools, /api/v1/metadata and /api/v1/targets/metadata.
#pragma once

#include "client-lib/base/result.h"
#include "server/scrape/scrape_manager.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Threads: any.
class TargetsApi {
 public:
  explicit TargetsApi(const scrape::ScrapeManager& scraper) : scraper_(scraper) {}

  Result<Annotations> Targets(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> ScrapePools(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Metadata(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> TargetMetadata(const ApiRequest& request, JsonWriter& json) const;

 private:
  const scrape::ScrapeManager& scraper_;
};

}  // namespace vigil::web
