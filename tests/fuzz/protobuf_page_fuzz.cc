// SPDX-License-Identifier: Apache-2.0
// The reader of protobuf pages on any bytes: no crash, the same lines each time, and native
// histograms beside classic ones change nothing of the latter.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/exposition/protobuf_reader.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace {

using namespace vigil;              // NOLINT(google-build-using-namespace)
using namespace vigil::exposition;  // NOLINT(google-build-using-namespace)

struct Read {
  std::string series;
  double value = 0;
  bool native = false;
};

// False when the page is wrong.
bool ReadPage(std::string_view page, NativeHistograms natives, std::vector<Read>* out) {
  ProtobufReader reader(page, natives);
  LabelsBuilder labels;
  SeriesPairs pairs;
  for (;;) {
    const Result<Entry> entry = reader.Next();
    if (!entry) return false;
    if (entry->kind == EntryKind::kEnd) return true;
    if (entry->kind == EntryKind::kHelp) UnescapeHelp(entry->help);
    if (entry->kind != EntryKind::kSample) continue;
    if (ParseSeries(entry->series, &labels)) CHECK(labels.Has(kMetricName));
    for (const ExemplarText& one : reader.exemplars()) {
      static_cast<void>(ParseExemplarLabels(one.labels, &pairs));
    }
    out->push_back({std::string(entry->series), entry->value, reader.histogram() != nullptr});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  std::vector<Read> classic;
  std::vector<Read> both;
  const bool good = ReadPage(page, NativeHistograms::kIgnore, &classic);
  if (!ReadPage(page, NativeHistograms::kBeside, &both) || !good) return 0;
  size_t next = 0;
  for (const Read& one : both) {
    if (one.native) continue;
    // What has native buckets only has no classic samples beside them.
    while (next < classic.size() && classic[next].series != one.series) ++next;
    CHECK(next < classic.size());
    CHECK(SameBits(classic[next].value, one.value));
    ++next;
  }
  return 0;
}
