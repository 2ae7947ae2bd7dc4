// SPDX-License-Identifier: Apache-2.0
// What a loop keeps per target; private to the loop's sources.
#pragma once

#include <memory>
#include <optional>

#include "client-lib/exposition/content_type.h"
#include "server/scrape/scrape_loop.h"

namespace vigil::scrape {

struct ScrapeLoop::Scrape {
  TimestampMs time = 0;  // of its samples
  TimestampMs wall = 0;  // when it really began
  int64_t started_ns = 0;
  int64_t duration_us = 0;  // as the client measured it; 0: it did not
  exposition::Format format = exposition::Format::kText;
};

struct ScrapeLoop::Active {
  uint64_t id = 0;
  std::shared_ptr<const TargetSpec> spec;
  std::shared_ptr<TargetStatus> status;
  std::shared_ptr<access::SharedAccess> access;
  ScrapeCache cache;
  MetadataCache metadata;
  ReportSeries report;
  TimestampMs next = 0;                      // when it is due
  uint64_t generation = 0;                   // of its entry in due_
  TimestampMs last_start = 0;                // 0: never
  TimestampMs last_good_page = 0;            // the time of the page that the cache has
  http::AsyncClient::RequestId request = 0;  // 0: none on its way
  std::optional<Scrape> awaits_token;        // it has begun and waits for a token
  // Not wanted any more: at `next` its series end at stale_time.
  bool retired = false;
  TimestampMs stale_time = 0;
  size_t counted_cache = 0;  // what stats_ has of cache and metadata
  size_t counted_metadata = 0;
};

// Whether status and content type let the body be read, and as what; else why not.
std::optional<Error> CheckAnswer(const http::ClientResponse& response,
                                 const config::ScrapeConfig& job, exposition::Format* format);

}  // namespace vigil::scrape
