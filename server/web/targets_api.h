// SPDX-License-Identifier: Apache-2.0
// /api/v1/targets, /api/v1/scrape_pools, /api/v1/metadata and /api/v1/targets/metadata.
#pragma once

#include "client-lib/base/result.h"
#include "server/scrape/scrape_manager.h"
#include "server/storage/metadata.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Threads: any.
class TargetsApi {
 public:
  // `stored` may be null.
  TargetsApi(const scrape::ScrapeManager& scraper, const storage::MetadataReader* stored)
      : scraper_(scraper), stored_(stored) {}

  Result<Annotations> Targets(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> ScrapePools(const ApiRequest& request, JsonWriter& json) const;
  // What active targets say; of other metrics what was said last, before a restart or by senders.
  Result<Annotations> Metadata(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> TargetMetadata(const ApiRequest& request, JsonWriter& json) const;

 private:
  const scrape::ScrapeManager& scraper_;
  const storage::MetadataReader* const stored_;
};

}  // namespace vigil::web
