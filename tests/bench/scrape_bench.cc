// SPDX-License-Identifier: Apache-2.0
// What a page costs from bytes to sample columns.
#include <benchmark/benchmark.h>

#include <string>

#include "client-lib/base/clock.h"
#include "server/scrape/page_ingest.h"
#include "tests/support/scrape_rig.h"

namespace vigil::scrape {
namespace {

using testing_support::FakeAppender;
using testing_support::ScrapeRig;

std::string MakePage(int series, int shift) {
  std::string page;
  for (int i = 0; i < series; ++i) {
    if (i % 50 == 0) {
      std::string family = "http_requests_" + std::to_string(i / 50) + "_total";
      page += "# HELP " + family + " Requests by path and code.\n# TYPE " + family + " counter\n";
    }
    page += "http_requests_" + std::to_string(i / 50) +
            "_total{code=\"200\",method=\"get\",path=\"/api/v1/item/" + std::to_string(i + shift) +
            "\"} " + std::to_string(i * 7919 % 100003) + "." + std::to_string(i % 10) + "\n";
  }
  return page;
}

// range(0) series; the same page again and again.
void BM_Scrape_UnchangedPage(benchmark::State& state) {
  std::string page = MakePage(static_cast<int>(state.range(0)), 0);
  FakeAppender appender;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  ScrapeCache cache;
  MetadataCache metadata;
  PageIngest ingest(appender);
  storage::SampleBatch batch;
  TimestampMs time = 0;
  for (auto unused : state) {
    batch.Clear();
    cache.BeginPage();
    metadata.BeginPage();
    PageOutcome outcome = ingest.Read(page, {*target.spec, ++time, cache, metadata}, &batch);
    cache.ForEachVanished([&](storage::SeriesRef ref) { batch.Add(ref, time, StaleNaN()); });
    cache.CommitPage();
    metadata.EndPage(true);
    CHECK(!outcome.error && batch.size() == static_cast<size_t>(state.range(0)));
    benchmark::DoNotOptimize(batch.values.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(page.size()));
  state.counters["cache_bytes_per_series"] =
      static_cast<double>(cache.HeapBytes()) / static_cast<double>(state.range(0));
}
BENCHMARK(BM_Scrape_UnchangedPage)->Arg(1000)->Arg(10000);

// 100 targets in turn, so that no cache of the processor holds them all.
void BM_Scrape_ManyTargets(benchmark::State& state) {
  std::string page = MakePage(1000, 0);
  FakeAppender appender;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  std::vector<ScrapeCache> caches(100);
  std::vector<MetadataCache> metadata(100);
  std::vector<std::string> pages(100, page);
  PageIngest ingest(appender);
  storage::SampleBatch batch;
  TimestampMs time = 0;
  size_t i = 0;
  for (auto unused : state) {
    i = (i + 1) % caches.size();
    batch.Clear();
    caches[i].BeginPage();
    metadata[i].BeginPage();
    ingest.Read(pages[i], {*target.spec, ++time, caches[i], metadata[i]}, &batch);
    caches[i].CommitPage();
    metadata[i].EndPage(true);
    benchmark::DoNotOptimize(batch.values.data());
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(BM_Scrape_ManyTargets)->Iterations(1000);

// Every series is new: parsing, joining labels, resolving.
void BM_Scrape_NewSeries(benchmark::State& state) {
  FakeAppender appender;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  PageIngest ingest(appender);
  storage::SampleBatch batch;
  std::string page = MakePage(1000, 0);
  for (auto unused : state) {
    ScrapeCache cache;
    MetadataCache metadata;
    batch.Clear();
    cache.BeginPage();
    metadata.BeginPage();
    ingest.Read(page, {*target.spec, 1, cache, metadata}, &batch);
    cache.CommitPage();
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(BM_Scrape_NewSeries);

}  // namespace
}  // namespace vigil::scrape
