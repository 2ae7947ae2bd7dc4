// SPDX-License-Identifier: Apache-2.0
#include "server/promql/sum_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "client-lib/model/sample.h"
#include "server/promql/statistics.h"
#include "server/promql/wide.h"

namespace vigil::promql {
namespace {

// KahanSum::Add without a branch.
inline void AddOne(double v, double* sum, double* compensation) {
  const double s = *sum;
  const double t = s + v;
  const bool first_is_larger = std::fabs(s) >= std::fabs(v);
  const double larger = first_is_larger ? s : v;
  const double smaller = first_is_larger ? v : s;
  const double c = *compensation + ((larger - t) + smaller);
  *compensation = std::fabs(t) == std::numeric_limits<double>::infinity() ? 0 : c;
  *sum = t;
}

TwoDoubles Magnitudes(TwoDoubles values) {
  constexpr TwoMasks kNoSign = {INT64_MAX, INT64_MAX};
  return reinterpret_cast<TwoDoubles>(BitsOf(values) & kNoSign);
}

// The same, two at a time.
void AddTwo(const double* values, double* sums, double* compensations) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr TwoDoubles kInfinite = {kInf, kInf};
  const TwoDoubles v = LoadTwo(values);
  const TwoDoubles s = LoadTwo(sums);
  const TwoDoubles t = s + v;
  const TwoMasks first_is_larger = Magnitudes(s) >= Magnitudes(v);
  const TwoDoubles larger = Chosen(first_is_larger, s, v);
  const TwoDoubles smaller = Chosen(first_is_larger, v, s);
  const TwoDoubles c = LoadTwo(compensations) + ((larger - t) + smaller);
  const TwoMasks overflow = Magnitudes(t) == kInfinite;
  const auto kept = reinterpret_cast<TwoDoubles>(BitsOf(c) & ~overflow);
  StoreTwo(t, sums);
  StoreTwo(kept, compensations);
}

bool IsFull(std::span<const double> row) {
  return !AnyNaN(row) || std::none_of(row.begin(), row.end(), IsStaleNaN);
}

}  // namespace

void SumRows::Resize(size_t groups) {
  sums_.resize(groups * steps_, StaleNaN());
  compensations_.resize(groups * steps_, 0);
  where_.resize(groups, Samples::kNowhere);
}

void SumRows::AddRow(size_t group, std::span<const double> row) {
  const size_t first = group * steps_;
  Samples& where = where_[group];
  if (where == Samples::kNowhere) {
    std::copy(row.begin(), row.end(), sums_.begin() + static_cast<ptrdiff_t>(first));
    where = IsFull(row) ? Samples::kEverywhere : Samples::kSomewhere;
    return;
  }
  if (where == Samples::kEverywhere && IsFull(row)) return AddFullRow(first, row);
  for (size_t step = 0; step < row.size(); ++step) {
    if (!IsStaleNaN(row[step])) AddAt(first + step, row[step]);
  }
  if (where == Samples::kSomewhere && IsFull({sums_.data() + first, steps_})) {
    where = Samples::kEverywhere;
  }
}

void SumRows::AddFullRow(size_t first, std::span<const double> row) {
  double* const sums = sums_.data() + first;
  double* const compensations = compensations_.data() + first;
  size_t step = 0;
  for (; step + 2 <= row.size(); step += 2) {
    AddTwo(row.data() + step, sums + step, compensations + step);
  }
  for (; step < row.size(); ++step) AddOne(row[step], sums + step, compensations + step);
}

void SumRows::Add(size_t cell, double v) {
  Samples& where = where_[cell / steps_];
  if (where == Samples::kNowhere) where = Samples::kSomewhere;
  AddAt(cell, v);
}

void SumRows::AddAt(size_t cell, double v) {
  if (IsStaleNaN(sums_[cell])) {
    sums_[cell] = v;
  } else {
    AddOne(v, &sums_[cell], &compensations_[cell]);
  }
}

double SumRows::Get(size_t cell) const {
  return IsStaleNaN(sums_[cell]) ? StaleNaN() : sums_[cell] + compensations_[cell];
}

}  // namespace vigil::promql
