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
