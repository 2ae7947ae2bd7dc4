// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/job.h"

#include <utility>

#include "server/config/loader.h"
#include "server/scrape/accept.h"

namespace vigil::scrape {
namespace {

// What decides on the labels of a series: when it changes, cached lines mean something else.
std::string SeriesFingerprint(const config::ScrapeConfig& job) {
  config::ScrapeConfig relevant;
  relevant.honor_labels = job.honor_labels;
  relevant.metric_relabel_configs = job.metric_relabel_configs;
  relevant.label_limit = job.label_limit;
  relevant.label_name_length_limit = job.label_name_length_limit;
  relevant.label_value_length_limit = job.label_value_length_limit;
  relevant.metric_name_validation_scheme = job.metric_name_validation_scheme;
  return ToYaml(relevant, config::Secrets::kShow);
}

}  // namespace

Job::Job(config::ScrapeConfig config)
    : config_(std::move(config)),
      fingerprint_(ToYaml(config_, config::Secrets::kShow)),
      series_fingerprint_(SeriesFingerprint(config_)),
      accept_(AcceptHeader(config_, false)),
      native_accept_(AcceptHeader(config_, true)) {}

}  // namespace vigil::scrape
