// SPDX-License-Identifier: Apache-2.0
// The OpenMetrics reader on any bytes: no crash, views stay within the page, and a page that is
// good in the text format's eyes, too, has the same series and values there.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/exposition/open_metrics_reader.h"
#include "client-lib/exposition/text_reader.h"

namespace {

using namespace vigil;              // NOLINT(google-build-using-namespace)
using namespace vigil::exposition;  // NOLINT(google-build-using-namespace)

bool Within(std::string_view page, std::string_view part) {
  return part.empty() ||
         (part.data() >= page.data() && part.data() + part.size() <= page.data() + page.size());
}

struct Line {
  std::string_view series;
  double value;
};

// False when a line is wrong.
bool ReadAll(std::string_view page, std::vector<Line>* lines, bool* exemplars) {
  OpenMetricsReader reader(page);
  SeriesPairs pairs;
  for (;;) {
    const Result<Entry> entry = reader.Next();
    if (!entry) return false;
    CHECK(Within(page, entry->series) && Within(page, entry->help));
    if (entry->kind == EntryKind::kEnd) return true;
    if (entry->kind == EntryKind::kHelp) UnescapeHelp(entry->help);
    if (entry->kind != EntryKind::kSample) continue;
    if (!ParseSeriesPairs(entry->series, &pairs)) return false;
    lines->push_back({entry->series, entry->value});
    if (reader.exemplar() == nullptr) continue;
    *exemplars = true;
    CHECK(Within(page, reader.exemplar()->labels));
    static_cast<void>(ParseExemplarLabels(reader.exemplar()->labels, &pairs));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  std::vector<Line> lines;
  bool exemplars = false;
  if (!ReadAll(page, &lines, &exemplars) || exemplars) return 0;
  TextReader text(page, LastLine::kMayLackNewline);
  for (size_t i = 0;;) {
    // Timestamps with a fraction and the types that only OpenMetrics has are refused there.
    const Result<Entry> entry = text.Next();
    if (!entry) break;
    if (entry->kind == EntryKind::kEnd) {
      CHECK(i == lines.size());
      break;
    }
    if (entry->kind != EntryKind::kSample) continue;
    CHECK(i < lines.size());
    CHECK(entry->series == lines[i].series);
    CHECK(SameBits(entry->value, lines[i].value));
    ++i;
  }
  return 0;
}
