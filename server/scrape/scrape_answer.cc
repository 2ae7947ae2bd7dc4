// SPDX-License-Identifier: Apache-2.0
// From an answer, or none, to appended samples.
#include <fmt/format.h>

#include <utility>

#include "client-lib/base/log.h"
#include "client-lib/http/message.h"
#include "server/scrape/accept.h"
#include "server/scrape/active_target.h"
#include "server/scrape/scrape_loop.h"

namespace vigil::scrape {
namespace {

constexpr std::string_view kBodyLimit = "body size limit exceeded";

std::vector<storage::MetricMetadata> ForStorage(const MetadataRows& rows) {
  std::vector<storage::MetricMetadata> out;
  out.reserve(rows.size());
  for (const MetricMetadata& row : rows) {
    out.push_back(
        {row.metric, std::string(exposition::MetricTypeName(row.type)), row.help, row.unit});
  }
  return out;
}

}  // namespace

std::optional<Error> CheckAnswer(const http::ClientResponse& response,
                                 const config::ScrapeConfig& job, exposition::Format* format) {
  if (response.status != 200) {
    return Unavailable(fmt::format("server returned HTTP status {} {}", response.status,
                                   http::StatusText(response.status)));
  }
  // Reaching the limit is too much already.
  if (job.body_size_limit != 0 && response.body.size() >= job.body_size_limit) {
    return BadData(std::string(kBodyLimit));
  }
  auto readable = FormatOfAnswer(response.content_type, job.fallback_scrape_protocol);
  if (!readable) return readable.error();
  *format = *readable;
  return std::nullopt;
}

void ScrapeLoop::Ingest(Active* active, const Scrape& scrape, const std::string* page,
                        const Error* fetch_error) {
  ReportValues report;
  report.up = fetch_error == nullptr;
  // An answer may have waited for this thread: that is not the target's time.
  report.duration_seconds =
      scrape.duration_us != 0 ? static_cast<double>(scrape.duration_us) / 1e6
                              : static_cast<double>(clock_.MonotonicNs() - scrape.started_ns) / 1e9;
  bool over_body_limit = fetch_error != nullptr && fetch_error->message == kBodyLimit;
  if (fetch_error == nullptr) report.body_bytes = static_cast<double>(page->size());
  if (over_body_limit) report.body_bytes = -1;

  std::optional<Error> error;
  if (fetch_error != nullptr) error = *fetch_error;
  Result<void> stored =
      AppendPage(active, scrape, fetch_error == nullptr ? page : nullptr, &report, &error);
  if (!stored) error = stored.error().Prefixed("the store did not take the scrape");

  stats_.With([&](Stats& stats) {
    ++stats.scrapes;
    if (error) ++stats.failures;
    if (!stored) ++stats.append_failures;
    if (over_body_limit) ++stats.exceeded_body_size_limit;
  });
  TargetStatus::Values values;
  values.health = error ? TargetHealth::kDown : TargetHealth::kUp;
  if (error) {
    values.last_error = error->message;
  } else if (report.page.series_refused > 0) {
    values.last_error = fmt::format("{} new series were not stored: {}", report.page.series_refused,
                                    report.page.refusal);
  }
  values.last_scrape = scrape.wall;
  values.last_scrape_seconds = report.duration_seconds;
  active->status->Set(std::move(values));
}

// One append per scrape. Series that the store has forgotten are resolved anew, once.
Result<void> ScrapeLoop::AppendPage(Active* active, const Scrape& scrape, const std::string* page,
                                    ReportValues* report, std::optional<Error>* page_error) {
  for (bool retried = false;; retried = true) {
    Result<void> built = BuildBatch(active, scrape, page, report, page_error);
    // First, since they are older. Whatever becomes of them: the page counts.
    if (built && zeros_.size() + zeros_.histograms.size() != 0) {
      static_cast<void>(appender_.Append(zeros_, storage::AppendMode::kSkipRejected));
    }
    Result<storage::AppendOutcome> outcome =
        built ? appender_.Append(batch_, storage::AppendMode::kSkipRejected)
              : Result<storage::AppendOutcome>(built.error());
    if (!outcome) {
      active->cache.AbortPage();
      return outcome.error();
    }
    if (outcome->unknown_series != 0 && !retried) {
      active->cache.AbortPage();
      active->cache.Invalidate();
      active->report.Forget();
      ingest_.ForgetExemplars();
      continue;
    }
    CountOutcome(report->page, *outcome);
    if (!exemplars_.refs.empty()) appender_.AppendExemplars(exemplars_);
    break;
  }
  if (*page_error) {
    active->cache.FailPage();
  } else {
    active->cache.CommitPage();
    active->last_good_page = scrape.time;
  }
  return Ok();
}

// Fills batch_ with the samples of the page, the markers of series that are gone, and the report.
Result<void> ScrapeLoop::BuildBatch(Active* active, const Scrape& scrape, const std::string* page,
                                    ReportValues* report, std::optional<Error>* page_error) {
  batch_.Clear();
  zeros_.Clear();
  exemplars_.Clear();
  active->cache.BeginPage();
  if (page != nullptr) {
    active->metadata.BeginPage();
    report->page = ingest_.Read(
        *page,
        {*active->spec, scrape.time, active->cache, active->metadata, scrape.format, &exemplars_,
         options_.zero_at_start ? &zeros_ : nullptr, active->last_good_page},
        &batch_);
    auto rows = active->metadata.EndPage(!report->page.error.has_value());
    if (rows != nullptr) {
      appender_.PutMetadata(ForStorage(*rows));
      active->status->SetMetadata(std::move(rows));
    }
    *page_error = report->page.error;
  }
  auto mark_stale = [&](storage::SeriesRef ref) { batch_.Add(ref, scrape.time, StaleNaN()); };
  if (*page_error) {
    // Nothing of a bad page counts: all that was there has ended.
    batch_.Clear();
    zeros_.Clear();
    exemplars_.Clear();
    active->cache.ForEachLive(mark_stale);
    report->up = false;
  } else {
    active->cache.ForEachVanished(mark_stale);
  }
  size_t cached = active->cache.size();
  size_t declared = active->metadata.size();
  stats_.With([&](Stats& stats) {
    stats.cache_series += cached - std::exchange(active->counted_cache, cached);
    stats.metadata_cache_entries += declared - std::exchange(active->counted_metadata, declared);
    stats.series_parsed += report->page.series_parsed;
  });
  return active->report.Add(*active->spec, *report, scrape.time, appender_, &batch_);
}

void ScrapeLoop::CountOutcome(const PageOutcome& page, const storage::AppendOutcome& outcome) {
  stats_.With([&](Stats& stats) {
    stats.samples += page.samples;
    stats.sample_duplicate_timestamp += page.duplicates + outcome.duplicates;
    stats.sample_out_of_order += outcome.out_of_order;
    stats.sample_out_of_bounds += page.too_far_ahead + outcome.out_of_bounds;
    if (page.over_sample_limit) ++stats.exceeded_sample_limit;
    stats.series_refused += page.series_refused;
    stats.bad_histograms += page.bad_histograms;
  });
}

void ScrapeLoop::EndRetired(Active* active) {
  batch_.Clear();
  active->cache.ForEachLive(
      [&](storage::SeriesRef ref) { batch_.Add(ref, active->stale_time, StaleNaN()); });
  active->report.AddStale(active->stale_time, &batch_);
  if (batch_.size() != 0) {
    // Refusals are expected: the series may go on under another target.
    auto outcome = appender_.Append(batch_, storage::AppendMode::kSkipRejected);
    if (!outcome) {
      log::Warn("scrape", "cannot mark the series of a removed target as stale",
                {{"target", active->spec->url}, {"err", outcome.error()}});
    }
  }
  stats_.With([&](Stats& stats) {
    stats.cache_series -= active->counted_cache;
    stats.metadata_cache_entries -= active->counted_metadata;
  });
  by_identity_.erase(active->spec->Identity());
  active_.erase(active->id);
}

}  // namespace vigil::scrape
