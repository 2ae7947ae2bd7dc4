// SPDX-License-Identifier: Apache-2.0
// Rows of a scrape job, in the order of upstream's status page.
#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "server/config/codecs.h"
#include "server/config/discovery_rows.h"
#include "server/config/field_tables.h"
#include "server/config/validate.h"
#include "server/config/words.h"

namespace vigil::config {
namespace {

using S = ScrapeConfig;

constexpr std::array kRowsBeforeHttp = {
    Row<&S::job_name, StringCodec, Show::kAlways>("job_name", "name of the pool and value of job"),
    Row<&S::honor_labels, BoolCodec>("honor_labels", "labels of the target win over ours"),
    Row<&S::honor_timestamps, BoolCodec, Show::kAlways>("honor_timestamps",
                                                        "timestamps of the target are used"),
    Row<&S::track_timestamps_staleness, BoolCodec, Show::kAlways>(
        "track_timestamps_staleness", "series with own timestamps become stale, too"),
    Row<&S::params, ParamsCodec>("params", "parameters of the URL"),
    Row<&S::scrape_interval, DurationCodec, Show::kAlways>("scrape_interval",
                                                           "time between two scrapes"),
    Row<&S::scrape_timeout, DurationCodec, Show::kAlways>("scrape_timeout",
                                                          "time after which a scrape has failed"),
    Row<&S::scrape_protocols, ProtocolListCodec>("scrape_protocols",
                                                 "exposition formats to ask for"),
    Row<&S::fallback_scrape_protocol, WordCodec<kProtocols>>(
        "fallback_scrape_protocol", "format of answers without a known content type"),
    Row<&S::scrape_native_histograms, BoolCodec, Show::kAlways>(
        "scrape_native_histograms", "native histograms are asked for and stored as such"),
    Row<&S::always_scrape_classic_histograms, BoolCodec, Show::kAlways>(
        "always_scrape_classic_histograms", "native histograms are stored as classic ones, too"),
    Row<&S::convert_classic_histograms_to_nhcb, BoolCodec, Show::kAlways>(
        "convert_classic_histograms_to_nhcb",
        "classic histograms are stored as native ones with custom buckets"),
    Row<&S::native_histogram_bucket_limit, UintCodec>(
        "native_histogram_bucket_limit", "native histograms with more buckets become coarser"),
    Row<&S::native_histogram_min_bucket_factor, FloatCodec>("native_histogram_min_bucket_factor",
                                                            "by how much buckets grow at least"),
    Row<&S::extra_scrape_metrics, BoolCodec, Show::kAlways>(
        "extra_scrape_metrics", "also write limit, timeout and size of each scrape"),
    Row<&S::metrics_path, StringCodec, Show::kAlways>("metrics_path", "path of the URL"),
    Row<&S::scheme, WordCodec<kUrlSchemes>, Show::kAlways>("scheme", "http or https"),
    Row<&S::enable_compression, BoolCodec, Show::kAlways>("enable_compression", "ask for gzip"),
    Row<&S::body_size_limit, ByteSizeCodec>("body_size_limit", "size of an answer"),
    Row<&S::sample_limit, UintCodec>("sample_limit", "samples of a scrape"),
    Row<&S::series_limit, UintCodec>("series_limit",
                                     "series in memory whose label job is this job (Vigil's own)"),
    Row<&S::target_limit, UintCodec>("target_limit", "targets of the job"),
    Row<&S::label_limit, UintCodec>("label_limit", "labels of a series"),
    Row<&S::label_name_length_limit, UintCodec>("label_name_length_limit", "length of a name"),
    Row<&S::label_value_length_limit, UintCodec>("label_value_length_limit", "length of a value"),
    Row<&S::keep_dropped_targets, UintCodec>("keep_dropped_targets",
                                             "dropped targets to remember; 0: all"),
    Row<&S::metric_name_validation_scheme, WordCodec<kValidationSchemes>>(
        "metric_name_validation_scheme", "which names are allowed"),
    Row<&S::metric_name_escaping_scheme, WordCodec<kEscapingSchemes>>(
        "metric_name_escaping_scheme", "how targets are asked to spell other names"),
    Row<&S::scrape_failure_log_file, PathCodec>("scrape_failure_log_file",
                                                "file that gets a line per failed scrape"),
};

constexpr std::array kRowsAfterHttp = {
    Row<&S::relabel_configs, RelabelListCodec>("relabel_configs", "rewrite and choose targets"),
    Row<&S::metric_relabel_configs, RelabelListCodec>("metric_relabel_configs",
                                                      "rewrite and choose series"),
};

struct HttpOfJob {
  template <typename T>
  static auto& Of(T& job) {
    return job.http;
  }
};

std::vector<Field<S>> JoinRows() {
  std::vector<Field<S>> rows(kRowsBeforeHttp.begin(), kRowsBeforeHttp.end());
  AddPartRows<S, HttpClientConfig, HttpOfJob>(std::make_index_sequence<kHttpFieldCount>(), &rows);
  rows.insert(rows.end(), kRowsAfterHttp.begin(), kRowsAfterHttp.end());
  AddDiscoveryRows(&rows);
  return rows;
}

}  // namespace

template <>
std::span<const Field<ScrapeConfig>> FieldsOf<ScrapeConfig>() {
  static const std::vector<Field<S>> rows = JoinRows();
  return rows;
}

Result<void> ReadScrapeConfigs(Reader& reader, const YamlNode& node, Config* out) {
  TRY(ExpectList(reader, node));
  for (size_t i = 0; i < node.items.size(); ++i) {
    Reader::Scope scope(&reader, i);
    ScrapeConfig job = JobDefaults(out->global);
    TRY(ReadStruct(reader, *node.items[i], &job));
    TRY(FinishScrapeConfig(reader, *node.items[i], out->global, &job));
    for (const ScrapeConfig& other : out->scrape_configs) {
      if (other.job_name != job.job_name) continue;
      return reader.FailHere(
          *Find(*node.items[i], "job_name"),
          fmt::format("found multiple scrape configs with job name \"{}\"", job.job_name));
    }
    out->scrape_configs.push_back(std::move(job));
  }
  return Ok();
}

}  // namespace vigil::config
