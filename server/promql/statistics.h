// SPDX-License-Identifier: Apache-2.0
// Summation with Neumaier's compensation, as upstream sums: same operations, same bits.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace vigil::promql {

// REQUIRES: built without fused multiply-add and without reordering of floating point.
struct KahanSum {
  double sum = 0;
  double c = 0;

  void Add(double inc) {
    const double t = sum + inc;
    if (std::isinf(t)) {
      c = 0;
    } else if (std::fabs(sum) >= std::fabs(inc)) {
      c += (sum - t) + inc;
    } else {
      c += (inc - t) + sum;
    }
    sum = t;
  }
  [[nodiscard]] double Total() const { return std::isinf(sum) ? sum : sum + c; }
};

// A mean that sums directly while the sum does not overflow and goes on incrementally afterwards.
class KahanMean {
 public:
  void Add(double value) {
    count_ += 1;
    if (count_ == 1) {
      sum_.sum = value;
      return;
    }
    if (!incremental_) {
      KahanSum next = sum_;
      next.Add(value);
      if (!std::isinf(next.sum)) {
        sum_ = next;
        return;
      }
      incremental_ = true;
      sum_.sum /= count_ - 1;
      sum_.c /= count_ - 1;
    }
    const double q = (count_ - 1) / count_;
    sum_.sum *= q;
    sum_.c *= q;
    sum_.Add(value / count_);
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] double Mean() const {
    return incremental_ ? sum_.sum + sum_.c : sum_.sum / count_ + sum_.c / count_;
  }

 private:
  KahanSum sum_;
  double count_ = 0;
  bool incremental_ = false;
};

// The quantile q of the values, NaN below all numbers; reorders the values. -Inf and +Inf for q out
// of [0, 1], NaN when q is NaN or there are no values.
double Quantile(double q, std::span<double> values);

// Ascending, NaN first.
inline bool LessNanFirst(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; }

}  // namespace vigil::promql
