// SPDX-License-Identifier: Apache-2.0
// The enabled collectors: from the flags to one scrape's samples.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "exporters/node/collector.h"

namespace vigil::node {

// Life: AddFlags, (flags are parsed), Open, then Scrape and Reload.
// Threads: AddFlags and Open owner thread only; then any. Scrapes wait for each other: the
// collectors' buffers are shared by all of them.
class CollectorSet {
 public:
  explicit CollectorSet(const Clock& clock = Clock::System());
  ~CollectorSet();

  // --path.*, --collector.disable-defaults, --[no-]collector.NAME and every collector's own.
  void AddFlags(toolkit::FlagSet* flags);
  // bad_data: the flags make no sense.
  Result<void> Open(const toolkit::FlagSet& flags);
  // Names of the enabled collectors, sorted.
  [[nodiscard]] std::vector<std::string> Enabled() const;

  // The collectors that collect[] and exclude[] leave over; empty: all. bad_data: both are given,
  // or collect[] has an unknown or disabled name.
  using Filter = std::set<std::string, std::less<>>;
  [[nodiscard]] Result<Filter> ParseFilter(const http::Params& params) const;

  // Runs them one after the other. What one of them cannot read is logged and said in
  // node_scrape_collector_success: it does not fail the scrape.
  void Scrape(const Filter& filter, toolkit::MetricSink* sink);
  void Reload();

 private:
  struct Entry;

  const Clock& clock_;
  Roots roots_;
  bool disable_defaults_ = false;
  std::vector<Entry> entries_;
  Mutex scraping_;
};

}  // namespace vigil::node
