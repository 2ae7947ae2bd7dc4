// SPDX-License-Identifier: Apache-2.0
// Aggregations that pass on some of their input: topk, bottomk, limitk, limit_ratio.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "server/promql/aggregate.h"
#include "server/promql/annotations.h"

namespace vigil::promql {
namespace {

// A row of the input with its sample at the step in hand.
struct Candidate {
  size_t row;
  double value;
  HistogramPtr histogram = nullptr;
};

// The k best candidates so far, the worst on top. Ties and NaN are resolved as upstream's heap
// does: a newcomer replaces the top only when it is better, and anything is better than NaN.
class BestHeap {
 public:
  enum class Order { kLargest, kSmallest };

  BestHeap(Order order, size_t k, std::vector<Candidate>* room)
      : order_(order), k_(k), heap_(*room) {
    heap_.clear();
  }

  void Offer(const Candidate& candidate) {
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      Up(heap_.size() - 1);
      return;
    }
    const double top = heap_[0].value;
    const bool better = order_ == Order::kLargest ? top < candidate.value : top > candidate.value;
    if (better || (std::isnan(top) && !std::isnan(candidate.value))) {
      heap_[0] = candidate;
      Down(0);
    }
  }

  // Best first.
  void Sort() {
    std::ranges::stable_sort(heap_,
                             [this](const Candidate& a, const Candidate& b) { return Less(b, a); });
  }

 private:
  [[nodiscard]] bool Less(const Candidate& a, const Candidate& b) const {
    if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(b.value);
    return order_ == Order::kLargest ? a.value < b.value : a.value > b.value;
  }
  void Up(size_t i) {
    while (i > 0) {
      const size_t parent = (i - 1) / 2;
      if (!Less(heap_[i], heap_[parent])) return;
      std::swap(heap_[i], heap_[parent]);
      i = parent;
    }
  }
  void Down(size_t i) {
    for (;;) {
      size_t child = 2 * i + 1;
      if (child >= heap_.size()) return;
      if (child + 1 < heap_.size() && Less(heap_[child + 1], heap_[child])) ++child;
      if (!Less(heap_[child], heap_[i])) return;
      std::swap(heap_[i], heap_[child]);
      i = child;
    }
  }

  Order order_;
  size_t k_;
  std::vector<Candidate>& heap_;
};

// The parameter of each step, checked.
Result<std::vector<double>> Counts(Evaluator& evaluator, const AggregateExpr& expr) {
  std::vector<double> counts = TRY(evaluator.Scalar(*expr.param));
  if (std::ranges::any_of(counts, [](double k) { return std::isnan(k); })) {
    return ExecutionError("Parameter value is NaN");
  }
  constexpr double kLimit = 9223372036854775808.0;
  const auto [min, max] = std::ranges::minmax(counts);
  if (min <= -kLimit) {
    return ExecutionError(fmt::format("Scalar value {} underflows int64", GoG(min)));
  }
  if (max >= kLimit) {
    return ExecutionError(fmt::format("Scalar value {} overflows int64", GoG(max)));
  }
  return counts;
}

Result<std::vector<double>> Ratios(Evaluator& evaluator, const AggregateExpr& expr) {
  std::vector<double> ratios = TRY(evaluator.Scalar(*expr.param));
  if (std::ranges::any_of(ratios, [](double r) { return std::isnan(r); })) {
    return ExecutionError("Ratio value is NaN");
  }
  const auto [min, max] = std::ranges::minmax(ratios);
  if (max > 1) evaluator.query().notes.InvalidRatio(expr.param->pos, max, 1);
  if (min < -1) evaluator.query().notes.InvalidRatio(expr.param->pos, min, -1);
  for (double& r : ratios) r = std::clamp(r, -1.0, 1.0);
  return ratios;
}

// Series are spread over [0, 1) by the hash of their labels; a negative ratio takes what the
// positive one leaves.
bool InRatio(double ratio, const Labels& labels) {
  constexpr double kMaxHash = 18446744073709551615.0;
  const double offset = static_cast<double>(labels.Hash()) / kMaxHash;
  return ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio;
}

class Selection {
 public:
  Selection(const AggregateExpr& expr, Vector* vector, std::vector<double> params,
            Annotations& notes)
      : expr_(expr), vector_(*vector), params_(std::move(params)), notes_(notes) {
    Grouping grouping(expr);
    for (size_t i = 0; i < vector_.size(); ++i) {
      const size_t group = grouping.Of(vector_.labels[i], false);
      if (group == groups_.size()) groups_.emplace_back();
      groups_[group].push_back(i);
    }
  }

  // Leaves the samples that are selected; returns the rows in the order of the result.
  Result<std::vector<size_t>> Run(QueryContext& query) {
    std::vector<size_t> order;
    for (const std::vector<size_t>& rows : groups_) {
      TRY(query.CheckAlive());
      for (size_t step = 0; step < vector_.steps; ++step) {
        Select(rows, step);
        for (const size_t row : rows) Put({row, StaleNaN()}, step);
        for (const Candidate& one : chosen_) Put(one, step);
      }
      if (vector_.steps == 1) {
        for (const Candidate& one : chosen_) order.push_back(one.row);
      } else {
        order.insert(order.end(), rows.begin(), rows.end());
      }
    }
    return order;
  }

 private:
  void Put(const Candidate& one, size_t step) {
    vector_.row(one.row)[step] = one.value;
    const std::span<HistogramPtr> histograms = vector_.histogram_row(one.row);
    if (!histograms.empty()) histograms[step] = one.histogram;
  }

  void Select(const std::vector<size_t>& rows, size_t step) {
    chosen_.clear();
    const double param = params_[step];
    if (expr_.op == AggregateOp::kLimitRatio) {
      ForEach(rows, step, [&](const Candidate& one) {
        if (InRatio(param, vector_.labels[one.row])) chosen_.push_back(one);
      });
      return;
    }
    if (param < 1) return;
    const auto k = static_cast<size_t>(std::min(param, static_cast<double>(rows.size())));
    if (expr_.op == AggregateOp::kLimitk) {
      ForEach(rows, step, [&](const Candidate& one) {
        if (chosen_.size() < k) chosen_.push_back(one);
      });
      return;
    }
    BestHeap heap(
        expr_.op == AggregateOp::kTopk ? BestHeap::Order::kLargest : BestHeap::Order::kSmallest, k,
        &chosen_);
    ForEach(rows, step, [&](const Candidate& one) {
      if (one.histogram == nullptr) {
        heap.Offer(one);
      } else {
        notes_.IgnoredInAggregation(expr_.operand->pos, AggregateOpText(expr_.op));
      }
    });
    heap.Sort();
  }

  template <typename F>
  void ForEach(const std::vector<size_t>& rows, size_t step, F f) {
    for (const size_t row : rows) {
      const double v = vector_.row(row)[step];
      if (!IsStaleNaN(v)) {
        f(Candidate{row, v});
      } else if (vector_.present(row, step)) {
        f(Candidate{row, v, vector_.histogram_row(row)[step]});
      }
    }
  }

  const AggregateExpr& expr_;
  Vector& vector_;
  std::vector<double> params_;
  Annotations& notes_;
  std::vector<std::vector<size_t>> groups_;
  std::vector<Candidate> chosen_;
};

}  // namespace

Result<void> SelectRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  std::vector<double> params =
      TRY(expr.op == AggregateOp::kLimitRatio ? Ratios(evaluator, expr) : Counts(evaluator, expr));
  Value value = TRY(evaluator.Eval(*expr.operand));
  Vector& vector = value.vector;
  Selection selection(expr, &vector, std::move(params), evaluator.query().notes);
  for (const size_t row : TRY(selection.Run(evaluator.query()))) {
    TRY(sink.Take(vector.AsRow(row)));
  }
  return Ok();
}

}  // namespace vigil::promql
