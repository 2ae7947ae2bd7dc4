// SPDX-License-Identifier: Apache-2.0
#include "server/cli/analyze.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "client-lib/http/client.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"
#include "server/cli/api_client.h"
#include "server/cli/command.h"
#include "server/cli/file_names.h"
#include "server/cli/query.h"

namespace vigil::cli {
namespace {

double NumberIn(const JsonValue& value) { return ParseFloat(value.text).value_or(0); }

// Those that a double has exactly; sums of them need room, too.
constexpr double kLargestCount = 1LL << 53;

// Counts are whole numbers; one that is too large for them counts as none.
int64_t WholeOf(double number) {
  return std::abs(number) < kLargestCount ? static_cast<int64_t>(number) : 0;
}

double MeanOf(int64_t sum, int64_t count) {
  return static_cast<double>(sum) / static_cast<double>(std::max<int64_t>(count, 1));
}

// Without le and __name__, as a key.
std::string HistogramName(const JsonValue& metric) {
  JsonValue rest;
  rest.kind = JsonValue::Kind::kObject;
  for (const JsonMember& member : metric.members) {
    if (member.name != "le") rest.members.push_back(member);
  }
  return PrintMetric(rest);
}

// What is in each bucket at the i-th time, not what is in all below it.
Result<std::vector<int64_t>> CountsAt(const std::vector<const JsonValue*>& series, size_t i) {
  std::vector<int64_t> counts;
  double below = 0;
  const std::string* time = nullptr;
  for (const JsonValue* one : series) {
    const std::vector<JsonValue>& values = (*one)["values"].items;
    if (i >= values.size() || values[i].items.size() != 2) {
      return BadData("matrix result is not time aligned");
    }
    if (time == nullptr) time = &values[i].items[0].text;
    if (values[i].items[0].text != *time) return BadData("matrix result is not time aligned");
    const double count = NumberIn(values[i].items[1]);
    counts.push_back(WholeOf(count - below));
    below = count;
  }
  return counts;
}

using NativeBuckets = std::map<std::string, double>;

NativeBuckets BucketsOf(const JsonValue& sample) {
  NativeBuckets buckets;
  if (sample.items.size() != 2) return buckets;
  for (const JsonValue& bucket : sample.items[1]["buckets"].items) {
    if (bucket.items.size() != 4) continue;
    const std::string bounds =
        bucket.items[0].text + " " + bucket.items[1].text + " " + bucket.items[2].text;
    buckets[bounds] = NumberIn(bucket.items[3]);
  }
  return buckets;
}

}  // namespace

void BucketAnalysis::Usage::Take(int64_t number) {
  least = std::min(least, number);
  most = std::max(most, number);
  sum += number;
}

void BucketAnalysis::Distribution::Take(int64_t number) {
  usage.Take(number);
  ++count;
}

std::string BucketAnalysis::Distribution::Text() const {
  return fmt::format("min/avg/max: {}/{:.3f}/{}", usage.least, MeanOf(usage.sum, count),
                     usage.most);
}

Result<void> BucketAnalysis::Add(const JsonValue& result) {
  std::map<std::string, std::vector<const JsonValue*>> classic;
  for (const JsonValue& series : result.items) {
    if (series["values"].items.empty()) {
      AddNative(series);
    } else if (series["metric"]["__name__"].text.ends_with("_bucket") &&
               !series["metric"]["le"].text.empty()) {
      classic[HistogramName(series["metric"])].push_back(&series);
    }
  }
  for (auto& [name, series] : classic) TRY(AddClassic(name, std::move(series)));
  return Ok();
}

Result<void> BucketAnalysis::AddClassic(const std::string& name,
                                        std::vector<const JsonValue*> series) {
  const auto bound = [](const JsonValue* one) { return NumberIn((*one)["metric"]["le"]); };
  std::stable_sort(series.begin(), series.end(), [&bound](const JsonValue* a, const JsonValue* b) {
    return bound(a) < bound(b);
  });
  const size_t samples = (*series[0])["values"].items.size();
  if (samples < 2) return Ok();
  Statistics statistics;
  statistics.buckets = static_cast<int64_t>(series.size());
  statistics.steps = static_cast<int64_t>(samples) - 1;
  std::vector<int64_t> before = TRY(CountsAt(series, 0));
  for (size_t i = 1; i < samples; ++i) {
    std::vector<int64_t> counts = TRY(CountsAt(series, i));
    int64_t changed = 0;
    double delta = 0;
    for (size_t k = 0; k < counts.size(); ++k) {
      changed += counts[k] != before[k] ? 1 : 0;
      delta += std::abs(static_cast<double>(counts[k]) - static_cast<double>(before[k]));
    }
    statistics.changed.Take(changed);
    statistics.delta.Take(WholeOf(delta));
    statistics.populated.Take(
        std::count_if(counts.begin(), counts.end(), [](int64_t count) { return count != 0; }));
    before = std::move(counts);
  }
  Finish(name, statistics);
  return Ok();
}

void BucketAnalysis::AddNative(const JsonValue& series) {
  const std::vector<JsonValue>& samples = series["histograms"].items;
  if (samples.size() < 2) return;
  Statistics statistics;
  statistics.steps = static_cast<int64_t>(samples.size()) - 1;
  NativeBuckets before = BucketsOf(samples[0]);
  NativeBuckets overall = before;
  for (size_t i = 1; i < samples.size(); ++i) {
    NativeBuckets buckets = BucketsOf(samples[i]);
    int64_t changed = 0;
    int64_t delta = 0;
    const auto change = [&changed, &delta](double by) {
      if (by == 0) return;
      ++changed;
      delta += WholeOf(std::abs(by));
    };
    for (const auto& [bounds, count] : buckets) {
      const auto was = before.find(bounds);
      change(was == before.end() ? count : count - was->second);
    }
    for (const auto& [bounds, count] : before) {
      if (buckets.find(bounds) == buckets.end()) change(count);
    }
    statistics.changed.Take(changed);
    statistics.delta.Take(delta);
    statistics.populated.Take(static_cast<int64_t>(buckets.size()));
    overall.insert(buckets.begin(), buckets.end());
    before = std::move(buckets);
  }
  statistics.buckets = static_cast<int64_t>(overall.size());
  Finish(PrintMetric(series["metric"]), statistics);
}

void BucketAnalysis::Finish(const std::string& name, const Statistics& s) {
  size_t next = 0;
  std::string text;
  const auto add = [&](const char* what, const Usage& usage) {
    const double mean = MeanOf(usage.sum, s.steps);
    text += fmt::format("{}: {}/{:.3f}/{}", what, usage.least, mean, usage.most);
    for (const int64_t number : {usage.least, static_cast<int64_t>(mean), usage.most}) {
      all_[next++].Take(number);
    }
  };
  add("number of buckets changed", s.changed);
  add(" total delta of changed buckets", s.delta);
  add(" number of populated buckets", s.populated);
  all_[next].Take(s.buckets);
  lines_ += fmt::format("{}=Bucket stats (min/avg/max) - {}. total number of buckets: {}\n", name,
                        text, s.buckets);
}

std::string BucketAnalysis::Text() const {
  static constexpr const char* kNames[] = {"minChanged", "avgChanged", "maxChanged", "minDelta",
                                           "avgDelta",   "maxDelta",   "minPop",     "avgPop",
                                           "maxPop",     "total"};
  if (all_[0].count == 0) return "no histogram has two samples in this time\n";
  std::string text = lines_;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    text += fmt::format("{} - {}\n", kNames[i], all_[i].Text());
  }
  return text + fmt::format("count - {}\n", all_[0].count);
}

int RunAnalyze(const std::vector<std::string>& args) {
  std::string server;
  std::string type;
  std::string time;
  int64_t duration_ms = 3'600'000;
  std::vector<std::string> matches;
  toolkit::FlagSet flags("vigilctl query analyze",
                         "Show how the buckets of histograms are used over a time.");
  flags.String("server", "The server to query.", &server);
  flags.String("type", "Type of metric: histogram.", &type);
  flags.Duration("duration", "Time frame to analyze.", &duration_ms);
  flags.String("time", "Query time (RFC3339 or Unix timestamp), defaults to now.", &time);
  flags.Strings("match", "Series selector. Can be specified multiple times.", &matches);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (server.empty()) return UsageError("required flag --server not provided");
  if (type.empty()) return UsageError("required flag --type not provided");
  if (matches.empty()) return UsageError("required flag --match not provided");
  const auto fail = [](const std::string& what) {
    std::fprintf(stderr, "vigilctl: error: %s\n", what.c_str());
    return 1;
  };
  if (type != "histogram") return fail("analyze type is " + type + ", must be 'histogram'");
  BucketAnalysis analysis;
  for (const std::string& match : matches) {
    const auto answer =
        AskApi([](http::ClientRequest request) { return http::Fetch(std::move(request)); },
               ServerUrl(server), "query",
               {{"query", match + "[" + FormatDuration(duration_ms) + "]"}, {"time", time}});
    if (!answer) return fail(answer.error().message);
    if (const auto added = analysis.Add((*answer)["data"]["result"]); !added) {
      return fail(added.error().message);
    }
  }
  std::fputs(analysis.Text().c_str(), stdout);
  return 0;
}

}  // namespace vigil::cli
