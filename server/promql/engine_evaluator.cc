// SPDX-License-Identifier: Apache-2.0
// Dispatch over the kinds of expressions, and what they have in common.
#include "server/promql/engine_evaluator.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "client-lib/model/histogram_math.h"
#include "server/promql/aggregate.h"
#include "server/promql/binary.h"
#include "server/promql/function_table.h"
#include "server/promql/query_profile.h"

namespace vigil::promql {
namespace {

// Materialises rows, on the query's account.
class Collector : public RowSink {
 public:
  Collector(QueryContext& query, size_t steps) : query_(query) { vector_.steps = steps; }

  Result<void> Take(const SeriesRow& row) override {
    if (!AnyPresent(row.values) && !AnyPresent(row.histograms)) return Ok();
    room_.samples += RowCost(row.values, row.histograms);
    room_.bytes += RowBytes(row);
    TRY(query_.CheckRoom(room_));
    vector_.Append(row.labels, row.drop_name, row.values, row.histograms);
    return Ok();
  }
  Result<Value> Finish() {
    Value value = Value::Of(std::move(vector_));
    value.charge = TRY(query_.Hold(room_));
    return value;
  }

 private:
  QueryContext& query_;
  Vector vector_;
  Room room_;
};

// The name, and type and unit, which go where the name goes. Sorted.
const std::array<std::string, 3>& MetadataNames() {
  static const std::array<std::string, 3> kNames = {"__name__", "__type__", "__unit__"};
  return kNames;
}

// Label sets as they are without metadata; the sets themselves are shared, not copied.
struct HashIgnoringMetadata {
  size_t operator()(const Labels& labels) const { return labels.HashWithout(MetadataNames()); }
};
struct SameIgnoringMetadata {
  bool operator()(const Labels& a, const Labels& b) const {
    return WithoutMetadata(a) == WithoutMetadata(b);
  }
};

// Takes the names off the rows on their way.
class NameDropper : public RowSink {
 public:
  NameDropper(QueryContext& query, SameLabels same, bool single_name, size_t steps, RowSink& out)
      : delayed_(query.options.delayed_name_removal),
        buffered_(same == SameLabels::kMerge &&
                  (!single_name || query.options.type_and_unit_labels)),
        ignored_(!buffered_ && out.ignores_name()),
        single_name_(single_name),
        collector_(query, steps),
        out_(out) {}

  Result<void> Take(const SeriesRow& row) override {
    if (delayed_) return out_.Take({row.labels, true, row.values, row.histograms});
    const bool has_more = HasTypeOrUnit(row.labels);
    if (!buffered_) TRY(CheckTwins(row.labels, has_more));
    if (ignored_ && !has_more) return out_.Take({row.labels, true, row.values, row.histograms});
    const Labels labels = WithoutMetadata(row.labels);
    if (buffered_) return collector_.Take({labels, true, row.values, row.histograms});
    return out_.Take({labels, true, row.values, row.histograms});
  }
  Result<void> Finish() {
    if (delayed_ || !buffered_) return Ok();
    Value value = TRY(collector_.Finish());
    TRY(MergeSameLabels(&value.vector));
    for (size_t i = 0; i < value.vector.size(); ++i) TRY(out_.Take(value.vector.AsRow(i)));
    return Ok();
  }

 private:
  // They go where the name goes.
  static bool HasTypeOrUnit(const Labels& labels) {
    return labels.Has("__type__") || labels.Has("__unit__");
  }

  // Rows of one metric are twins only if type or unit tells them apart: as long as no row has one
  // it is enough to keep the labels, which are shared, in case one comes.
  Result<void> CheckTwins(const Labels& labels, bool has_more) {
    if (single_name_ && !has_more && seen_.empty()) {
      passed_.push_back(labels);
      return Ok();
    }
    seen_.insert(passed_.begin(), passed_.end());
    passed_.clear();
    if (seen_.insert(labels).second) return Ok();
    return ExecutionError(std::string(kSameLabelset));
  }

  bool delayed_;
  bool buffered_;
  bool ignored_;  // a name that stays is no matter
  bool single_name_;
  Collector collector_;
  std::vector<Labels> passed_;  // while seen_ is not needed
  std::unordered_set<Labels, HashIgnoringMetadata, SameIgnoringMetadata> seen_;
  RowSink& out_;
};

}  // namespace

const Expr& Unwrapped(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == NodeKind::kParen) inner = static_cast<const ParenExpr&>(*inner).inner.get();
  return *inner;
}

Labels WithoutMetadata(const Labels& labels) { return labels.Without(MetadataNames()); }

bool HasSingleName(const Expr& expr) {
  switch (expr.kind) {
    case NodeKind::kVectorSelector: {
      const auto& matchers = static_cast<const VectorSelector&>(expr).matchers;
      return std::ranges::any_of(matchers, [](const Matcher& matcher) {
        return matcher.name() == kMetricName && matcher.type() == MatchType::kEqual;
      });
    }
    case NodeKind::kParen:
      return HasSingleName(*static_cast<const ParenExpr&>(expr).inner);
    case NodeKind::kMatrixSelector:
      return HasSingleName(*static_cast<const MatrixSelector&>(expr).selector);
    default:
      return false;
  }
}

Labels Evaluator::WithoutNameNow(const Labels& labels) const {
  return query_.options.delayed_name_removal ? labels : WithoutMetadata(labels);
}

void Evaluator::CountSamples(size_t step, size_t samples) {
  if (!counts_) return;
  query_.stats.total_queryable_samples += static_cast<int64_t>(samples);
  auto& per_step = query_.stats.total_queryable_samples_per_step;
  if (step < per_step.size()) per_step[step] += static_cast<int64_t>(samples);
}

Result<Value> Evaluator::Charged(Value value) {
  Room room{value.scalar.size(), value.scalar.size() * sizeof(double)};
  for (size_t i = 0; i < value.vector.size(); ++i) {
    room.samples += RowCost(value.vector.row(i), value.vector.histogram_row(i));
    room.bytes += RowBytes(value.vector.AsRow(i));
  }
  for (const RangeSeries& series : value.matrix) {
    const size_t cost = SamplesCost(series.samples);
    room.samples += cost;
    room.bytes += cost * sizeof(Sample) + series.labels.HeapBytes();
  }
  value.charge = SampleCharge();
  value.charge = TRY(query_.Hold(room));
  return value;
}

Result<void> Evaluator::Emit(Value value, RowSink& sink) {
  for (size_t i = 0; i < value.vector.size(); ++i) TRY(sink.Take(value.vector.AsRow(i)));
  return Ok();
}

Result<void> Evaluator::DroppingNames(SameLabels same, bool single_name, RowSink& sink,
                                      const std::function<Result<void>(RowSink&)>& produce) {
  NameDropper dropper(query_, same, single_name, grid_.count, sink);
  TRY(produce(dropper));
  return dropper.Finish();
}

Result<Value> Evaluator::Eval(const Expr& expr) {
  switch (expr.type) {
    case ValueType::kScalar:
      return Value::Scalar(TRY(Scalar(expr)));
    case ValueType::kString: {
      Value value;
      value.type = ValueType::kString;
      value.text = static_cast<const StringLiteral&>(Unwrapped(expr)).value;
      return value;
    }
    case ValueType::kVector: {
      Collector collector(query_, grid_.count);
      TRY(Rows(expr, collector));
      return collector.Finish();
    }
    case ValueType::kMatrix:
      return MatrixValue(expr);
    case ValueType::kNone:
      break;
  }
  return ExecutionError("expression has no value");
}

void Evaluator::NoteEvaluation(const Expr& expr) {
  // A node that evaluates itself for one step is still the same evaluation.
  if (query_.profile == nullptr || query_.profile->current() == &expr) return;
  NodeCost& node = query_.profile->node(expr);
  node.once = grid_.count > 1 && query_.plan.node(expr).invariant;
  ++node.evaluations;
  node.steps += node.once ? 1 : static_cast<int64_t>(grid_.count);
}

Result<std::vector<double>> Evaluator::Scalar(const Expr& expr) {
  NoteEvaluation(expr);
  const ProfileScope scope(query_.profile, &expr);
  switch (expr.kind) {
    case NodeKind::kNumber:
      return std::vector<double>(grid_.count, static_cast<const NumberLiteral&>(expr).value);
    case NodeKind::kParen:
      return Scalar(*static_cast<const ParenExpr&>(expr).inner);
    case NodeKind::kUnary: {
      const auto& unary = static_cast<const UnaryExpr&>(expr);
      std::vector<double> column = TRY(Scalar(*unary.operand));
      if (unary.negative) {
        for (double& v : column) v = -v;
      }
      return column;
    }
    case NodeKind::kBinary:
      return BinaryScalar(*this, static_cast<const BinaryExpr&>(expr));
    case NodeKind::kCall: {
      if (grid_.count > 1 && query_.plan.node(expr).invariant) {
        Evaluator once(query_, Grid{grid_.start, grid_.step, 1}, Role::kNested);
        const std::vector<double> column = TRY(once.Scalar(expr));
        return std::vector<double>(grid_.count, column[0]);
      }
      Value value = TRY(CallSpecial(static_cast<const Call&>(expr)));
      return std::move(value.scalar);
    }
    default:
      return ExecutionError("expression is no scalar");
  }
}

// One evaluation for all steps.
Result<void> Evaluator::InvariantRows(const Expr& expr, RowSink& sink) {
  const int64_t before = query_.stats.total_queryable_samples;
  Evaluator once(query_, Grid{grid_.start, grid_.step, 1}, counts_ ? Role::kMain : Role::kNested);
  std::vector<double> row(grid_.count);
  std::vector<HistogramPtr> histograms;
  RowFunction repeat([&](const SeriesRow& single) -> Result<void> {
    std::ranges::fill(row, single.values[0]);
    histograms.clear();
    if (!single.histograms.empty()) histograms.assign(grid_.count, single.histograms[0]);
    return sink.Take({single.labels, single.drop_name, row, histograms});
  });
  TRY(once.Rows(expr, repeat));
  const int64_t samples = query_.stats.total_queryable_samples - before;
  for (size_t step = 1; step < grid_.count; ++step) {
    CountSamples(step, static_cast<size_t>(samples));
  }
  return Ok();
}

Result<void> Evaluator::UnaryRows(const UnaryExpr& expr, RowSink& sink) {
  if (!expr.negative) return Rows(*expr.operand, sink);
  return DroppingNames(SameLabels::kReject, HasSingleName(*expr.operand), sink,
                       [&](RowSink& dropper) {
                         RowFunction negate([&](const SeriesRow& row) {
                           for (double& v : row.values) {
                             if (!IsStaleNaN(v)) v = -v;
                           }
                           for (HistogramPtr& h : row.histograms) {
                             if (h == nullptr) continue;
                             auto negative = std::make_shared<Histogram>(*h);
                             MultiplyHistogram(negative.get(), -1);
                             h = std::move(negative);
                           }
                           return dropper.Take(row);
                         });
                         return Rows(*expr.operand, negate);
                       });
}

Result<void> Evaluator::ProfiledRows(const Expr& expr, RowSink& sink) {
  NoteEvaluation(expr);
  ProfiledRowSink counted(*query_.profile, expr, sink);
  const ProfileScope scope(query_.profile, &expr);
  return Rows(expr, counted);
}

Result<void> Evaluator::Rows(const Expr& expr, RowSink& sink) {
  if (query_.profile != nullptr && query_.profile->current() != &expr) {
    return ProfiledRows(expr, sink);
  }
  TRY(query_.CheckAlive());
  if (grid_.count > 1 && query_.plan.node(expr).invariant) return InvariantRows(expr, sink);
  switch (expr.kind) {
    case NodeKind::kParen:
      return Rows(*static_cast<const ParenExpr&>(expr).inner, sink);
    case NodeKind::kUnary:
      return UnaryRows(static_cast<const UnaryExpr&>(expr), sink);
    case NodeKind::kBinary:
      return BinaryRows(*this, static_cast<const BinaryExpr&>(expr), sink);
    case NodeKind::kAggregate:
      return AggregateRows(*this, static_cast<const AggregateExpr&>(expr), sink);
    case NodeKind::kCall:
      return CallRows(static_cast<const Call&>(expr), sink);
    case NodeKind::kVectorSelector:
      return SelectorRows(static_cast<const VectorSelector&>(expr), SampleColumn::kValue, sink);
    default:
      return ExecutionError("expression is no instant vector");
  }
}

}  // namespace vigil::promql
