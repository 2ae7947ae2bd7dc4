// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/report.h"

#include "client-lib/model/labels.h"

namespace vigil::scrape {
namespace {

struct Row {
  std::string_view name;
  bool extra;  // only with extra_scrape_metrics
  double (*value)(const TargetSpec& target, const ReportValues& values);
};

constexpr std::array<Row, ReportSeries::kCount> kRows = {{
    {"up", false, [](const TargetSpec&, const ReportValues& v) { return v.up ? 1.0 : 0.0; }},
    {"scrape_duration_seconds", false,
     [](const TargetSpec&, const ReportValues& v) { return v.duration_seconds; }},
    {"scrape_samples_scraped", false,
     [](const TargetSpec&, const ReportValues& v) { return static_cast<double>(v.page.samples); }},
    {"scrape_samples_post_metric_relabeling", false,
     [](const TargetSpec&, const ReportValues& v) {
       return static_cast<double>(v.page.after_relabel);
     }},
    {"scrape_series_added", false,
     [](const TargetSpec&, const ReportValues& v) {
       return static_cast<double>(v.page.series_added);
     }},
    {"scrape_timeout_seconds", true,
     [](const TargetSpec& t, const ReportValues&) {
       return static_cast<double>(t.timeout) / 1000;
     }},
    {"scrape_sample_limit", true,
     [](const TargetSpec& t, const ReportValues&) {
       return static_cast<double>(t.job->config().sample_limit);
     }},
    {"scrape_body_size_bytes", true,
     [](const TargetSpec&, const ReportValues& v) { return v.body_bytes; }},
}};

}  // namespace

Result<void> ReportSeries::Add(const TargetSpec& target, const ReportValues& values,
                               TimestampMs time, storage::Appender& appender,
                               storage::SampleBatch* batch) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].extra && !target.job->config().extra_scrape_metrics) continue;
    if (refs_[i] == 0) {
      LabelsBuilder labels(target.labels);
      labels.Set(kMetricName, kRows[i].name);
      const Result<storage::SeriesRef> ref = appender.Resolve(labels.Build());
      // A limit is reached or the database is away: the page goes on without this one.
      if (!ref) continue;
      refs_[i] = *ref;
    }
    batch->Add(refs_[i], time, kRows[i].value(target, values));
  }
  return Ok();
}

void ReportSeries::AddStale(TimestampMs time, storage::SampleBatch* batch) const {
  for (storage::SeriesRef ref : refs_) {
    if (ref != 0) batch->Add(ref, time, StaleNaN());
  }
}

}  // namespace vigil::scrape
