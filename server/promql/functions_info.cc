// SPDX-License-Identifier: Apache-2.0
// Joins series with info series on the labels that identify a target.
#include "server/promql/functions_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "client-lib/model/matcher.h"
#include "server/promql/call_context.h"

namespace vigil::promql {
namespace {

constexpr std::array<std::string_view, 2> kIdentifying = {"instance", "job"};
constexpr std::string_view kTargetInfo = "target_info";
// What counts as an info series when the selector only says which names do not.
constexpr std::string_view kAnyInfo = ".+_info";
constexpr TimestampMs kNever = INT64_MIN;

// Escapes what RE2 takes for operators.
std::string QuoteMeta(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// The time at which info series count for an evaluation time: that at which the first selector
// of the expression looks for its samples.
class ReferenceTime {
 public:
  ReferenceTime(const Plan& plan, const Expr& expr) { Find(plan, expr); }
  [[nodiscard]] TimestampMs Of(TimestampMs t) const {
    for (const PlanNode* node : path_) t = node->at_ms.value_or(t) - node->offset_ms;
    return t;
  }

 private:
  bool Find(const Plan& plan, const Expr& expr) {
    const bool timed = expr.kind == NodeKind::kVectorSelector || expr.kind == NodeKind::kSubquery;
    if (timed) path_.push_back(&plan.node(expr));
    bool found = expr.kind == NodeKind::kVectorSelector;
    ForEachChild(expr, [&](const Expr& child) { found = found || Find(plan, child); });
    if (!found && timed) path_.pop_back();
    return found;
  }

  std::vector<const PlanNode*> path_;
};

// What the second argument asks for.
struct InfoSelector {
  std::vector<Matcher> names;                                     // of __name__
  std::map<std::string, std::vector<Matcher>, std::less<>> data;  // of other labels
};

bool IsPositive(const Matcher& matcher) {
  return matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegexp;
}

Result<InfoSelector> SelectorOf(CallContext& call) {
  InfoSelector out;
  if (call.arg_count() > 1) {
    for (const Matcher& m : static_cast<const VectorSelector&>(Unwrapped(call.arg(1))).matchers) {
      if (m.name() == kMetricName) {
        out.names.push_back(m);
      } else {
        out.data[m.name()].push_back(m);
      }
    }
  }
  if (out.names.empty()) {
    out.names.push_back(Matcher::Equal(kMetricName, kTargetInfo));
  } else if (std::ranges::none_of(out.names, IsPositive)) {
    out.names.push_back(TRY(Matcher::Create(MatchType::kRegexp, kMetricName, kAnyInfo)));
  }
  return out;
}

// One info series: when its sample at each step was taken, kNever when it has none.
struct InfoSeries {
  Labels labels;
  std::vector<TimestampMs> taken;
};

class InfoJoin {
 public:
  InfoJoin(CallContext& call, InfoSelector selector)
      : call_(call), selector_(std::move(selector)) {}

  Result<Value> Run() {
    Value value = TRY(call_.Eval(0));
    base_ = &value.vector;
    TRY(Fetch());
    GroupBySignature();
    out_.steps = base_->steps;
    for (size_t i = 0; i < base_->size(); ++i) TRY(Enrich(i));
    TRY(MergeSameLabels(&out_));
    return Value::Of(std::move(out_));
  }

 private:
  // An info series is not enriched with itself.
  [[nodiscard]] bool IsInfoSeries(const Labels& labels) const {
    return std::ranges::all_of(selector_.names,
                               [&](const Matcher& m) { return m.Matches(labels.MetricName()); });
  }

  Result<std::vector<Matcher>> FetchMatchers() {
    std::vector<Matcher> matchers;
    for (const std::string_view name : kIdentifying) {
      std::set<std::string, std::less<>> values;
      for (const Labels& labels : base_->labels) {
        const std::string_view value = labels.Get(name);
        if (!value.empty() && !IsInfoSeries(labels)) values.emplace(value);
      }
      if (values.empty()) continue;
      std::string pattern;
      for (const std::string& value : values) {
        if (!pattern.empty()) pattern += '|';
        pattern += QuoteMeta(value);
      }
      matchers.push_back(TRY(Matcher::Create(MatchType::kRegexp, name, pattern)));
    }
    if (matchers.empty()) return matchers;
    for (const Matcher& m : selector_.names) matchers.push_back(m);
    for (const auto& [name, of_label] : selector_.data) {
      matchers.insert(matchers.end(), of_label.begin(), of_label.end());
    }
    return matchers;
  }

  Result<void> Fetch() {
    const std::vector<Matcher> matchers = TRY(FetchMatchers());
    if (matchers.empty()) return Ok();
    QueryContext& query = call_.query();
    const ReferenceTime reference(query.plan, call_.arg(0));
    std::vector<TimestampMs> times(call_.grid().count);
    for (size_t step = 0; step < times.size(); ++step) {
      times[step] = reference.Of(call_.grid().at(step));
    }
    storage::SelectHints hints;
    hints.start = times.front() - query.lookback_ms + 1;
    hints.end = times.back();
    hints.step_ms = query.times.step;
    hints.function = "info";
    const auto series = TRY(query.Select(matchers, hints));
    SampleColumns samples;
    for (size_t i = 0; i < series->size(); ++i) {
      TRY(query.CheckAlive());
      samples.Clear();
      TRY(series->Read(i, &samples));
      TRY(query.CheckRoom((i + 1) * times.size()));
      if (!samples.histograms.empty()) {
        return ExecutionError(fmt::format("this should be an info metric, with float samples: {}",
                                          series->labels(i).ToString()));
      }
      infos_.push_back({series->labels(i), TakenAt(samples, times)});
    }
    return Ok();
  }

  [[nodiscard]] std::vector<TimestampMs> TakenAt(const SampleColumns& samples,
                                                 const std::vector<TimestampMs>& times) const {
    std::vector<TimestampMs> taken(times.size(), kNever);
    size_t next = 0;
    const auto& t = samples.timestamps;
    for (size_t step = 0; step < times.size(); ++step) {
      while (next < t.size() && t[next] <= times[step]) ++next;
      if (next == 0 || t[next - 1] <= times[step] - call_.query().lookback_ms) continue;
      if (!IsStaleNaN(samples.values[next - 1])) taken[step] = t[next - 1];
    }
    return taken;
  }

  // Info series by the identifying labels, then by name: of those with the same name the newest
  // sample counts.
  static Labels SignatureOf(const Labels& labels) {
    static const std::vector<std::string> kNames(kIdentifying.begin(), kIdentifying.end());
    return labels.KeepOnly(kNames);
  }

  void GroupBySignature() {
    for (size_t i = 0; i < infos_.size(); ++i) {
      by_signature_[SignatureOf(infos_[i].labels)][std::string(infos_[i].labels.MetricName())]
          .push_back(i);
    }
  }

  // The info series of one name that is in force at a step.
  Result<const InfoSeries*> Newest(const std::vector<size_t>& same_name, size_t step) {
    const InfoSeries* newest = nullptr;
    for (const size_t i : same_name) {
      const InfoSeries& info = infos_[i];
      if (info.taken[step] == kNever) continue;
      if (newest == nullptr || info.taken[step] > newest->taken[step]) {
        newest = &info;
      } else if (info.taken[step] == newest->taken[step]) {
        return ExecutionError(
            fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                        newest->labels.ToString(), newest->taken[step], info.labels.ToString(),
                        info.taken[step]));
      }
    }
    return newest;
  }

  Result<void> Enrich(size_t i) {
    const Labels& labels = base_->labels[i];
    const bool drop = base_->drop_name[i] != 0;
    const std::span<const double> row = base_->row(i);
    const std::span<const HistogramPtr> histograms = base_->histogram_row(i);
    if (IsInfoSeries(labels)) {
      out_.Append(labels, drop, row, histograms);
      return Ok();
    }
    const auto group = by_signature_.find(SignatureOf(labels));
    std::unordered_map<Labels, size_t> rows;
    std::vector<const InfoSeries*> matched;
    std::vector<const InfoSeries*> last_matched;
    std::optional<size_t> last_row;
    for (size_t step = 0; step < row.size(); ++step) {
      if (!base_->present(i, step)) continue;
      matched.clear();
      if (group != by_signature_.end()) {
        for (const auto& [name, same_name] : group->second) {
          const InfoSeries* info = TRY(Newest(same_name, step));
          if (info != nullptr) matched.push_back(info);
        }
      }
      if (matched.empty() && !AllMatchEmpty()) continue;
      // Mostly the same series as at the step before.
      if (!last_row || matched != last_matched) {
        const auto [at, fresh] = rows.emplace(TRY(Joined(labels, matched)), out_.size());
        if (fresh) out_.AppendEmpty(at->first, drop);
        last_row = at->second;
        last_matched = matched;
      }
      out_.row(*last_row)[step] = row[step];
      if (IsStaleNaN(row[step])) out_.MakeHistogramRow(*last_row)[step] = histograms[step];
    }
    return Ok();
  }

  [[nodiscard]] bool AllMatchEmpty() const {
    return std::ranges::all_of(selector_.data, [](const auto& of_label) {
      return std::ranges::all_of(of_label.second,
                                 [](const Matcher& m) { return m.MatchesEmpty(); });
    });
  }

  Result<Labels> Joined(const Labels& base, const std::vector<const InfoSeries*>& infos) {
    LabelsBuilder builder(base);
    std::map<std::string_view, std::string_view> added;
    for (const InfoSeries* info : infos) {
      for (const LabelView label : info->labels) {
        if (label.name == kMetricName) continue;
        if (!selector_.data.empty() && !selector_.data.contains(label.name)) continue;
        const auto [at, fresh] = added.emplace(label.name, label.value);
        if (!fresh && at->second != label.value && !base.Has(label.name)) {
          return ExecutionError(fmt::format("conflicting label: {}", label.name));
        }
        if (!base.Has(label.name)) builder.Set(label.name, label.value);
      }
    }
    return builder.Build();
  }

  CallContext& call_;
  InfoSelector selector_;
  Vector* base_ = nullptr;
  std::vector<InfoSeries> infos_;
  std::unordered_map<Labels, std::map<std::string, std::vector<size_t>>> by_signature_;
  Vector out_;
};

}  // namespace

Result<Value> Info(CallContext& call) { return InfoJoin(call, TRY(SelectorOf(call))).Run(); }

}  // namespace vigil::promql
