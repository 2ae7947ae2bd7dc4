// SPDX-License-Identifier: Apache-2.0
#include "server/cli/openmetrics_line.h"

#include <cmath>
#include <string>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::cli {
namespace {

// Times within +-2^53 ms are exact as doubles: 285,000 years.
constexpr double kMaxMs = 9007199254740992.0;

// Where the series ends: at the first blank that is not between braces, quotes considered.
size_t SeriesEnd(std::string_view line) {
  bool braces = false;
  bool quotes = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quotes) {
      if (c == '\\') ++i;
      quotes = c != '"';
    } else if (c == '"') {
      quotes = true;
    } else if (c == '{') {
      braces = true;
    } else if (c == '}') {
      braces = false;
    } else if (!braces && (c == ' ' || c == '\t')) {
      return i;
    }
  }
  return line.size();
}

// The next word; *rest goes on behind it.
std::string_view TakeWord(std::string_view* rest) {
  *rest = TrimSpace(*rest);
  const size_t end = std::min(rest->find_first_of(" \t"), rest->size());
  const std::string_view word = rest->substr(0, end);
  rest->remove_prefix(end);
  return word;
}

Result<TimestampMs> ReadTime(std::string_view word, TimeUnit unit) {
  if (unit == TimeUnit::kMilliseconds) {
    if (const auto ms = ParseInt(word)) return *ms;
    return BadData("expected a timestamp in milliseconds, got " + Quote(word));
  }
  const auto seconds = ParseExpositionFloat(word);
  if (!seconds || !(std::fabs(*seconds) * 1000 < kMaxMs)) {
    return BadData("expected a timestamp in seconds, got " + Quote(word));
  }
  return static_cast<TimestampMs>(std::llround(*seconds * 1000));
}

}  // namespace

Result<std::optional<ImportSample>> ReadImportLine(std::string_view line, TimeUnit unit) {
  line = TrimSpace(line);
  if (line.empty() || line[0] == '#') return std::optional<ImportSample>();
  ImportSample sample;
  // A blank may stand between name and braces.
  size_t end = SeriesEnd(line);
  const size_t next = line.find_first_not_of(" \t", end);
  if (next != std::string_view::npos && line[next] == '{') {
    end = next + SeriesEnd(line.substr(next));
  }
  sample.series = line.substr(0, end);
  std::string_view rest = line.substr(end);
  const std::string_view value = TakeWord(&rest);
  const auto number = ParseExpositionFloat(value);
  if (!number) return BadData("expected a value behind the series, got " + Quote(value));
  sample.value = *number;
  const std::string_view time = TakeWord(&rest);
  if (time.empty() || time[0] == '#') return BadData("the sample has no timestamp");
  sample.timestamp = TRY(ReadTime(time, unit));
  rest = TrimSpace(rest);
  if (!rest.empty() && rest[0] != '#') {
    return BadData("unexpected " + Quote(rest) + " behind the timestamp");
  }
  return std::optional<ImportSample>(sample);
}

}  // namespace vigil::cli
