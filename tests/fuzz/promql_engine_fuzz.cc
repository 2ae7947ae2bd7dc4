// SPDX-License-Identifier: Apache-2.0
// Any text as a query over a small store: the engine answers or says why not.
#include <cstdint>
#include <string>
#include <string_view>

#include "server/promql/engine.h"
#include "tests/support/memory_storage.h"

namespace {

using vigil::Labels;
using vigil::StaleNaN;
using vigil::TimestampMs;

void AddSeries(vigil::tests::MemoryStorage* store, const Labels& labels, double step) {
  double value = 0;
  for (TimestampMs t = 0; t <= 1'200'000; t += 30'000) {
    value = t % 270'000 == 0 ? 0 : value + step;
    store->Add(labels, t, t == 600'000 ? StaleNaN() : value);
  }
}

// Exponential and custom buckets, a reset, a gauge, and a change of schema.
vigil::Histogram HistogramAt(TimestampMs t, bool custom) {
  const auto n = static_cast<double>(t % 270'000 / 30'000);
  vigil::Histogram h;
  h.schema = custom ? vigil::kCustomBucketsSchema : t < 300'000 ? 1 : 0;
  h.count = 6 * n;
  h.sum = t == 450'000 ? vigil::NormalNaN() : 7 * n;
  h.positive_spans = {{0, 1}, {1, 2}};
  h.positive_buckets = {n, n, 2 * n};
  if (custom) {
    h.custom_values = t < 600'000 ? std::vector<double>{1, 2, 5} : std::vector<double>{1, 3, 5};
    return h;
  }
  h.zero_threshold = t < 900'000 ? 0.001 : 0.6;
  h.zero_count = n;
  h.negative_spans = {{-1, 1}};
  h.negative_buckets = {n};
  if (t > 1'000'000) h.reset_hint = vigil::CounterResetHint::kGauge;
  return h;
}

void AddHistograms(vigil::tests::MemoryStorage* store, const char* job) {
  for (const char* kind : {"exponential", "custom", "mixed"}) {
    const Labels labels = Labels::Of({{"__name__", "n"}, {"job", job}, {"kind", kind}});
    for (TimestampMs t = 0; t <= 1'200'000; t += 30'000) {
      const bool mixed = *kind == 'm';
      if (mixed && t % 90'000 == 0) {
        store->Add(labels, t, 5);
      } else if (t != 600'000) {
        store->AddHistogram(labels, t, HistogramAt(t, *kind == 'c' || (mixed && t > 750'000)));
      } else {
        store->Add(labels, t, StaleNaN());
      }
    }
  }
}

const vigil::tests::MemoryStorage& Store() {
  static const vigil::tests::MemoryStorage* const kStore = [] {
    auto* store = new vigil::tests::MemoryStorage;
    for (const char* job : {"a", "b"}) {
      for (const char* instance : {"1", "2", "10"}) {
        AddSeries(store,
                  Labels::Of({{"__name__", "m_total"}, {"job", job}, {"instance", instance}}), 3.5);
      }
      for (const char* le : {"0.1", "1", "+Inf", "x"}) {
        AddSeries(store, Labels::Of({{"__name__", "h_bucket"}, {"job", job}, {"le", le}}), 2);
      }
      AddHistograms(store, job);
      AddSeries(store, Labels::Of({{"__name__", "target_info"}, {"job", job}, {"version", "3"}}),
                0);
    }
    return store;
  }();
  return *kStore;
}

vigil::promql::EngineOptions Options(bool delayed_name_removal) {
  vigil::promql::EngineOptions options;
  options.max_samples = 20'000;
  options.timeout_ms = 5'000;
  options.delayed_name_removal = delayed_name_removal;
  options.parser = vigil::promql::ParserOptions::EverythingOn();
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const vigil::promql::Engine kEngine(Options(false));
  static const vigil::promql::Engine kDelayed(Options(true));
  vigil::promql::QueryRequest request;
  request.text.assign(reinterpret_cast<const char*>(data), size);
  request.start = request.end = 900'000;
  static_cast<void>(kEngine.Execute(Store(), request));
  request.end = 1'200'000;
  request.step_ms = 45'000;
  static_cast<void>(kDelayed.Execute(Store(), request));
  return 0;
}
