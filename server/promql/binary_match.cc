// SPDX-License-Identifier: Apache-2.0
// Arithmetic and comparisons between two vectors: which series meet which, and under what labels.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "server/promql/binary.h"
#include "server/promql/binary_histogram.h"
#include "server/promql/binary_ops.h"

namespace vigil::promql {
namespace {

// Series of both sides with the same signature.
struct MatchGroup {
  std::vector<size_t> many;
  std::vector<size_t> one;
  // One-to-one only: steps at which a series of the "many" side has met one already.
  std::vector<uint8_t> matched;
  // Many-to-one only: which series got which labels.
  std::unordered_map<Labels, std::vector<std::pair<size_t, size_t>>> results;
};

// "many" is the side that may have several series per group (the left one of one-to-one), "one"
// the other.
class Matching {
 public:
  Matching(Evaluator& evaluator, const BinaryExpr& expr, const Vector& lhs, const Vector& rhs)
      : evaluator_(evaluator),
        expr_(expr),
        matching_(*expr.matching),
        swapped_(matching_.cardinality == MatchCardinality::kOneToMany),
        many_(swapped_ ? rhs : lhs),
        one_(swapped_ ? lhs : rhs),
        // Upstream turns the sides of group_right around but not the fill values.
        fill_many_(matching_.fill_left),
        fill_one_(matching_.fill_right),
        signature_(matching_),
        notes_(expr) {
    out_.steps = lhs.steps;
  }

  Result<Vector> Run() {
    Group();
    TRY(CheckOneSide());
    row_.resize(out_.steps);
    for (size_t m = 0; m < many_.size(); ++m) TRY(MatchRow(m));
    if (fill_many_) {
      for (size_t o = 0; o < one_.size(); ++o) TRY(FillMany(o));
    }
    notes_.MoveTo(evaluator_.query().notes);
    TRY(MergeSameLabels(&out_));
    return std::move(out_);
  }

 private:
  void Group() {
    std::unordered_map<uint64_t, size_t> index;
    const auto group_of = [&](const Labels& labels) {
      const auto [at, fresh] = index.emplace(signature_.Of(labels), groups_.size());
      if (fresh) groups_.emplace_back();
      return at->second;
    };
    for (size_t m = 0; m < many_.size(); ++m) {
      many_group_.push_back(group_of(many_.labels[m]));
      groups_[many_group_.back()].many.push_back(m);
    }
    for (size_t o = 0; o < one_.size(); ++o) {
      one_group_.push_back(group_of(one_.labels[o]));
      groups_[one_group_.back()].one.push_back(o);
    }
  }

  [[nodiscard]] bool AnyAt(const Vector& side, size_t step) const {
    for (size_t i = 0; i < side.size(); ++i) {
      if (side.present(i, step)) return true;
    }
    return false;
  }

  [[nodiscard]] bool AnyAt(const Vector& side, const std::vector<size_t>& rows, size_t step) const {
    return std::ranges::any_of(rows, [&](size_t i) { return side.present(i, step); });
  }

  // Two series of one group on the "one" side at the same step are an error, as long as there is
  // anything to match at that step. The earliest step is reported.
  Result<void> CheckOneSide() {
    size_t first_step = out_.steps;
    std::pair<size_t, size_t> twins;
    for (const MatchGroup& group : groups_) {
      if (group.one.size() < 2) continue;
      for (size_t step = 0; step < first_step; ++step) {
        std::optional<size_t> seen;
        for (const size_t o : group.one) {
          if (!one_.present(o, step)) continue;
          if (seen && (fill_many_ || AnyAt(many_, step))) {
            twins = {*seen, o};
            first_step = step;
            break;
          }
          seen = o;
        }
      }
    }
    if (first_step == out_.steps) return Ok();
    return ExecutionError(fmt::format(
        "found duplicate series for the match group {} on the {} hand-side of the operation: "
        "[{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        signature_.Group(one_.labels[twins.second]).ToString(), swapped_ ? "left" : "right",
        one_.labels[twins.second].ToString(), one_.labels[twins.first].ToString()));
  }

  Result<void> MatchRow(size_t m) {
    TRY(evaluator_.query().CheckAlive());
    MatchGroup& group = groups_[many_group_[m]];
    for (const size_t o : group.one) {
      TRY(Register(&group, m, o));
      Apply(RowOf(many_, m), RowOf(one_, o));
      TRY(Emit(ResultLabels(many_.labels[m], one_.labels[o]), many_.drop_name[m] != 0));
    }
    if (!fill_one_) return Ok();
    // Where nothing on the "one" side is there, the fill value stands in.
    std::vector<double> fill(out_.steps);
    for (size_t step = 0; step < out_.steps; ++step) {
      fill[step] = AnyAt(one_, group.one, step) ? StaleNaN() : *fill_one_;
    }
    TRY(RegisterSteps(&group, RowOf(many_, m), OperandRow{fill}));
    Apply(RowOf(many_, m), OperandRow{fill});
    return Emit(ResultLabels(many_.labels[m], Labels()), many_.drop_name[m] != 0);
  }

  Result<void> FillMany(size_t o) {
    const MatchGroup& group = groups_[one_group_[o]];
    std::vector<double> fill(out_.steps);
    for (size_t step = 0; step < out_.steps; ++step) {
      fill[step] = AnyAt(many_, group.many, step) ? StaleNaN() : *fill_many_;
    }
    Apply(OperandRow{fill}, RowOf(one_, o));
    return Emit(ResultLabels(signature_.Group(one_.labels[o]), one_.labels[o]), false);
  }

  static OperandRow RowOf(const Vector& side, size_t i) {
    return {side.row(i), side.histogram_row(i)};
  }

  void Apply(const OperandRow& many, const OperandRow& one) {
    const Keep keep = expr_.return_bool ? Keep::kBool : Keep::kLeft;
    const OperandRow& lhs = swapped_ ? one : many;
    const OperandRow& rhs = swapped_ ? many : one;
    ApplyOp(expr_.op, keep, lhs.values, rhs.values, row_);
    histogram_row_.clear();
    if (lhs.histograms.empty() && rhs.histograms.empty() && !IsTrim(expr_.op)) return;
    histogram_row_.resize(row_.size());
    ApplyHistogramOp(expr_, keep, lhs, rhs, row_, histogram_row_, &notes_);
  }

  Result<void> Emit(const Labels& labels, bool drop_name) {
    if (!AnyPresent(row_) && !AnyPresent(histogram_row_)) return Ok();
    room_.samples += RowCost(row_, histogram_row_);
    room_.bytes += RowBytes({labels, drop_name, row_, histogram_row_});
    TRY(evaluator_.query().CheckRoom(room_));
    const bool drops = expr_.return_bool || (KeepsName() && drop_name);
    out_.Append(labels, drops, row_, histogram_row_);
    return Ok();
  }

  [[nodiscard]] bool KeepsName() const { return IsComparison(expr_.op) || IsTrim(expr_.op); }

  // Remembers that the two meet; an error when another series of the group has met at the same
  // step and the result could not be told apart.
  Result<void> Register(MatchGroup* group, size_t m, size_t o) {
    if (group->many.size() < 2) return Ok();
    if (matching_.cardinality == MatchCardinality::kOneToOne) {
      return RegisterSteps(group, RowOf(many_, m), RowOf(one_, o));
    }
    auto& same = group->results[ResultLabels(many_.labels[m], one_.labels[o])];
    for (const auto& [other_m, other_o] : same) {
      if (other_o != o) continue;
      for (size_t step = 0; step < out_.steps; ++step) {
        if (many_.present(m, step) && many_.present(other_m, step) && one_.present(o, step)) {
          return ExecutionError(
              "multiple matches for labels: grouping labels must ensure unique matches");
        }
      }
    }
    same.emplace_back(m, o);
    return Ok();
  }

  Result<void> RegisterSteps(MatchGroup* group, const OperandRow& many, const OperandRow& one) {
    if (group->many.size() < 2 || matching_.cardinality != MatchCardinality::kOneToOne) {
      return Ok();
    }
    group->matched.resize(out_.steps, 0);
    for (size_t step = 0; step < out_.steps; ++step) {
      if (!many.present(step) || !one.present(step)) continue;
      if (group->matched[step] != 0) {
        return ExecutionError(
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)");
      }
      group->matched[step] = 1;
    }
    return Ok();
  }

  [[nodiscard]] Labels ResultLabels(const Labels& many, const Labels& one) {
    const bool drop_now =
        !KeepsName() || (expr_.return_bool && !evaluator_.query().options.delayed_name_removal);
    builder_.Reset(drop_now ? WithoutMetadata(many) : many);
    if (matching_.cardinality == MatchCardinality::kOneToOne) {
      if (matching_.on) {
        for (const LabelView label : many) {
          if (std::ranges::find(matching_.labels, label.name) == matching_.labels.end()) {
            builder_.Delete(label.name);
          }
        }
      } else {
        for (const std::string& name : matching_.labels) builder_.Delete(name);
      }
    }
    for (const std::string& name : matching_.include) builder_.Set(name, one.Get(name));
    return builder_.Build();
  }

  Evaluator& evaluator_;
  const BinaryExpr& expr_;
  const VectorMatching& matching_;
  bool swapped_;
  const Vector& many_;
  const Vector& one_;
  std::optional<double> fill_many_;
  std::optional<double> fill_one_;
  Signature signature_;
  BinaryNotes notes_;
  std::vector<MatchGroup> groups_;
  std::vector<size_t> many_group_;
  std::vector<size_t> one_group_;
  LabelsBuilder builder_;
  // Of the pair in hand.
  std::vector<double> row_;
  std::vector<HistogramPtr> histogram_row_;
  Room room_;
  Vector out_;
};

}  // namespace

Result<Vector> MatchVectors(Evaluator& evaluator, const BinaryExpr& expr, const Vector& lhs,
                            const Vector& rhs) {
  return Matching(evaluator, expr, lhs, rhs).Run();
}

}  // namespace vigil::promql
