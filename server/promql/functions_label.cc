// SPDX-License-Identifier: Apache-2.0
// Functions that change labels or order; they look at neither values nor times.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "client-lib/base/strings.h"
#include "client-lib/model/matcher.h"
#include "server/promql/call_context.h"
#include "server/promql/functions.h"
#include "server/promql/functions_info.h"
#include "server/promql/natural_order.h"
#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

using enum ValueType;

// No label is so long; one that is joined with itself again and again is soon.
constexpr size_t kMaxValueBytes = 1 << 20;

// Gives rows their new labels, within the limits of the query.
class Relabeler {
 public:
  Relabeler(CallContext& call, std::string_view name, Vector* vector)
      : call_(call), name_(name), vector_(vector) {}

  // Setting the name keeps it from being dropped later.
  Result<void> Set(size_t i, std::string_view value) {
    TRY(CheckLength(value.size()));
    builder_.Reset(vector_->labels[i]);
    builder_.Set(name_, value);
    vector_->labels[i] = builder_.Build();
    if (name_ == kMetricName) vector_->drop_name[i] = 0;
    bytes_ += vector_->labels[i].HeapBytes();
    return call_.query().CheckRoom({0, bytes_});
  }
  Result<void> CheckLength(size_t bytes) const {
    if (bytes <= kMaxValueBytes) return Ok();
    return ExecutionError(fmt::format("{}() makes a value of more than {} bytes for label {}",
                                      call_.call().function->name, kMaxValueBytes, name_));
  }

 private:
  CallContext& call_;
  std::string_view name_;
  Vector* vector_;
  LabelsBuilder builder_;
  size_t bytes_ = 0;
};

Result<Value> LabelReplace(CallContext& call) {
  const std::string& target = call.Text(1);
  const std::string& replacement = call.Text(2);
  const std::string& source = call.Text(3);
  const std::string& pattern = call.Text(4);
  const Result<Regexp> regexp = Regexp::Compile(pattern);
  if (!regexp) {
    return ExecutionError(
        fmt::format("invalid regular expression in label_replace(): {}", pattern));
  }
  if (!IsUtf8Name(target)) {
    return ExecutionError(
        fmt::format("invalid destination label name in label_replace(): {}", target));
  }
  Value value = TRY(call.Eval(0));
  std::string expanded;
  Relabeler relabeler(call, target, &value.vector);
  const auto references = static_cast<size_t>(std::ranges::count(replacement, '$'));
  for (size_t i = 0; i < value.vector.size(); ++i) {
    const std::string_view from = value.vector.labels[i].Get(source);
    // Each reference is the whole value at most.
    if (references * from.size() > 16 * kMaxValueBytes) {
      TRY(relabeler.CheckLength(references * from.size()));
    }
    expanded.clear();
    if (regexp->Expand(from, replacement, &expanded)) TRY(relabeler.Set(i, expanded));
  }
  TRY(MergeSameLabels(&value.vector));
  return value;
}

Result<Value> LabelJoin(CallContext& call) {
  const std::string& target = call.Text(1);
  const std::string& separator = call.Text(2);
  for (size_t i = 3; i < call.arg_count(); ++i) {
    if (!IsUtf8Name(call.Text(i))) {
      return ExecutionError(
          fmt::format("invalid source label name in label_join(): {}", call.Text(i)));
    }
  }
  if (!IsUtf8Name(target)) {
    return ExecutionError(
        fmt::format("invalid destination label name in label_join(): {}", target));
  }
  Value value = TRY(call.Eval(0));
  std::string joined;
  Relabeler relabeler(call, target, &value.vector);
  for (size_t i = 0; i < value.vector.size(); ++i) {
    joined.clear();
    for (size_t arg = 3; arg < call.arg_count(); ++arg) {
      if (arg > 3) joined += separator;
      joined += value.vector.labels[i].Get(call.Text(arg));
      TRY(relabeler.CheckLength(joined.size()));
    }
    TRY(relabeler.Set(i, joined));
  }
  TRY(MergeSameLabels(&value.vector));
  return value;
}

// Range results are always ordered by labels: there sorting does nothing but warn.
bool SortsInVain(CallContext& call) {
  if (call.query().request.instant()) return false;
  call.notes().Warn(
      call.call().pos,
      "sort is ineffective for range queries since results are always ordered by labels");
  return true;
}

template <typename Compare>
Value Sorted(Value value, Compare less) {
  std::vector<size_t> order(value.vector.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, less);
  value.vector = Reordered(value.vector, order);
  return value;
}

enum class Direction { kAscending, kDescending };

template <Direction kDirection>
Result<Value> SortByValue(CallContext& call) {
  Value value = TRY(call.Eval(0));
  // Histograms have no order: they are left out.
  value.vector.histograms.clear();
  DropEmptyRows(&value.vector);
  if (SortsInVain(call) || call.grid().count != 1) return value;
  const std::vector<double> keys = value.vector.values;
  return Sorted(std::move(value), [&](size_t a, size_t b) {
    // NaN comes last in both directions.
    if (std::isnan(keys[a]) || std::isnan(keys[b])) return !std::isnan(keys[a]);
    return kDirection == Direction::kAscending ? keys[a] < keys[b] : keys[a] > keys[b];
  });
}

template <Direction kDirection>
Result<Value> SortByLabel(CallContext& call) {
  Value value = TRY(call.Eval(0));
  if (SortsInVain(call) || call.grid().count != 1) return value;
  const std::vector<Labels> keys = value.vector.labels;
  const auto before = [&](const Labels& a, const Labels& b) {
    for (size_t arg = 1; arg < call.arg_count(); ++arg) {
      const std::string_view x = a.Get(call.Text(arg));
      const std::string_view y = b.Get(call.Text(arg));
      if (x != y) return NaturalLess(x, y);
    }
    return a < b;
  };
  return Sorted(std::move(value), [&](size_t a, size_t b) {
    return kDirection == Direction::kAscending ? before(keys[a], keys[b])
                                               : before(keys[b], keys[a]);
  });
}

constexpr FunctionRow SortRow(std::string_view name, SpecialFn kernel, std::string_view help) {
  return {.name = name, .args = {kVector}, .keeps_name = true, .kernel = kernel, .help = help};
}

constexpr FunctionRow SortByLabelRow(std::string_view name, SpecialFn kernel,
                                     std::string_view help) {
  return {.name = name,
          .args = {kVector, kString},
          .optional = -1,
          .experimental = true,
          .keeps_name = true,
          .kernel = kernel,
          .help = help};
}

constexpr FunctionRow kLabelRows[] = {
    {.name = "label_replace",
     .args = {kVector, kString, kString, kString, kString},
     .keeps_name = true,
     .kernel = LabelReplace,
     .help = "Sets a label from the match of a regular expression on another."},
    {.name = "label_join",
     .args = {kVector, kString, kString, kString},
     .optional = -1,
     .keeps_name = true,
     .kernel = LabelJoin,
     .help = "Joins the values of labels into one."},
    SortRow("sort", SortByValue<Direction::kAscending>, "Sorts by value, ascending."),
    SortRow("sort_desc", SortByValue<Direction::kDescending>, "Sorts by value, descending."),
    SortByLabelRow("sort_by_label", SortByLabel<Direction::kAscending>,
                   "Sorts by labels in natural order."),
    SortByLabelRow("sort_by_label_desc", SortByLabel<Direction::kDescending>,
                   "Sorts by labels in natural order, descending."),
    {.name = "info",
     .args = {kVector, kVector},
     .optional = 1,
     .experimental = true,
     .keeps_name = true,
     .kernel = Info,
     .help = "Adds the labels of matching info series."},
};

}  // namespace

std::span<const FunctionRow> LabelFunctions() { return kLabelRows; }

}  // namespace vigil::promql
