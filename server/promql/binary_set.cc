// SPDX-License-Identifier: Apache-2.0
// and, or, unless: at each step by which signatures are there on the other side.
#include <unordered_map>

#include "server/promql/binary.h"

namespace vigil::promql {
namespace {

// For each signature the steps at which any series with it has a sample.
class Presence {
 public:
  Presence(const Vector& vector, const Signature& signature) : steps_(vector.steps) {
    for (size_t i = 0; i < vector.size(); ++i) {
      const auto [at, fresh] = offsets_.emplace(signature.Of(vector.labels[i]), present_.size());
      if (fresh) present_.resize(present_.size() + steps_, 0);
      for (size_t step = 0; step < steps_; ++step) {
        if (vector.present(i, step)) present_[at->second + step] = 1;
      }
    }
  }

  // Null when the signature never occurs.
  [[nodiscard]] const uint8_t* Find(uint64_t signature) const {
    const auto found = offsets_.find(signature);
    return found == offsets_.end() ? nullptr : present_.data() + found->second;
  }

 private:
  size_t steps_;
  std::unordered_map<uint64_t, size_t> offsets_;
  std::vector<uint8_t> present_;
};

enum class Where { kPresent, kMissing };

// The rows of `from` at the steps at which their signature is there (or not) on the other side.
void AppendWhere(const Vector& from, const Signature& signature, const Presence& other, Where where,
                 Vector* out) {
  for (size_t i = 0; i < from.size(); ++i) {
    const uint8_t* present = other.Find(signature.Of(from.labels[i]));
    if (present == nullptr) {
      if (where == Where::kMissing) {
        out->Append(from.labels[i], from.drop_name[i] != 0, from.row(i), from.histogram_row(i));
      }
      continue;
    }
    out->Append(from.labels[i], from.drop_name[i] != 0, from.row(i), from.histogram_row(i));
    const std::span<double> row = out->row(out->size() - 1);
    const std::span<HistogramPtr> histograms = out->histogram_row(out->size() - 1);
    for (size_t step = 0; step < row.size(); ++step) {
      if ((present[step] != 0) == (where == Where::kPresent)) continue;
      row[step] = StaleNaN();
      if (!histograms.empty()) histograms[step] = nullptr;
    }
  }
}

}  // namespace

Result<Vector> CombineSets(const BinaryExpr& expr, const Vector& lhs, const Vector& rhs) {
  const Signature signature(expr.matching.value_or(VectorMatching{}));
  Vector out;
  out.steps = lhs.steps;
  switch (expr.op) {
    case BinaryOp::kAnd:
      AppendWhere(lhs, signature, Presence(rhs, signature), Where::kPresent, &out);
      break;
    case BinaryOp::kUnless:
      AppendWhere(lhs, signature, Presence(rhs, signature), Where::kMissing, &out);
      break;
    default:
      for (size_t i = 0; i < lhs.size(); ++i) {
        out.Append(lhs.labels[i], lhs.drop_name[i] != 0, lhs.row(i), lhs.histogram_row(i));
      }
      AppendWhere(rhs, signature, Presence(lhs, signature), Where::kMissing, &out);
      break;
  }
  TRY(MergeSameLabels(&out));
  DropEmptyRows(&out);
  return out;
}

}  // namespace vigil::promql
