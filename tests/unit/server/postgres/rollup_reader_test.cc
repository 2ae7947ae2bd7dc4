// SPDX-License-Identifier: Apache-2.0
// Where roll-ups stand in for samples.
#include "server/postgres/rollup_reader.h"

#include <gtest/gtest.h>

namespace vigil::postgres {
namespace {

using storage::RollupHint;
using storage::RollupPiece;

constexpr int64_t kFive = 300'000;
constexpr int64_t kHour = 3'600'000;

// {resolution in minutes, after and until in hours}
using Piece = std::tuple<int64_t, double, double>;

std::vector<Piece> Plan(const RollupCoverage& coverage, double start, double end,
                        const RollupHint& hint) {
  std::vector<Piece> pieces;
  const auto at = [](double hours) { return static_cast<TimestampMs>(hours * kHour); };
  for (const RollupPiece& piece : PlanRollups(coverage, at(start), at(end), hint)) {
    EXPECT_EQ(piece.after % piece.resolution_ms, 0);
    EXPECT_EQ(piece.until % piece.resolution_ms, 0);
    pieces.emplace_back(piece.resolution_ms / 60'000, static_cast<double>(piece.after) / kHour,
                        static_cast<double>(piece.until) / kHour);
  }
  return pieces;
}

// Samples from hour 1000 on, rolled up to 1200; 5m from hour 500 on, 1h from 0 on; now is 1206.
RollupCoverage Usual() {
  RollupCoverage coverage;
  coverage.samples_from = 1000 * kHour;
  coverage.rolled_up_until = 1200 * kHour;
  coverage.oldest_5m = 500 * kHour;
  coverage.oldest_1h = 0;
  coverage.replace_until = 1182 * kHour;
  return coverage;
}

RollupHint Any() {
  RollupHint hint;
  hint.max_resolution_ms = kHour;
  return hint;
}

RollupHint Exact(int64_t width, double after, double until) {
  RollupHint hint = Any();
  hint.exact_resolution_ms = width;
  hint.exact_after = static_cast<TimestampMs>(after * kHour);
  hint.exact_until = static_cast<TimestampMs>(until * kHour);
  return hint;
}

TEST(PlanRollups, SamplesAreTakenWhereTheyAreAll) {
  EXPECT_EQ(Plan(Usual(), 1000, 1206, Any()), std::vector<Piece>{});
  EXPECT_EQ(Plan(Usual(), 1001.5, 1206, Any()), std::vector<Piece>{});
  EXPECT_EQ(Plan(Usual(), 900, 800, Any()), std::vector<Piece>{});
  EXPECT_EQ(Plan(Usual(), 0, 1206, RollupHint()), std::vector<Piece>{});
}

TEST(PlanRollups, WhereSamplesAreGoneTheFinestAnswers) {
  EXPECT_EQ(Plan(Usual(), 900.5, 1206, Any()), (std::vector<Piece>{{5, 899, 1000}}));
  EXPECT_EQ(Plan(Usual(), 100.5, 1206, Any()), (std::vector<Piece>{{60, 99, 500}, {5, 500, 1000}}));
  EXPECT_EQ(Plan(Usual(), 100.5, 700.5, Any()), (std::vector<Piece>{{60, 99, 500}, {5, 500, 701}}));
  RollupHint fine = Any();
  fine.max_resolution_ms = kFive;
  EXPECT_EQ(Plan(Usual(), 100.5, 1206, fine), (std::vector<Piece>{{5, 99, 1000}}));
  RollupCoverage coarse = Usual();
  coarse.oldest_5m = INT64_MAX;
  EXPECT_EQ(Plan(coarse, 900.5, 1206, Any()), (std::vector<Piece>{{60, 899, 1000}}));
  EXPECT_EQ(Plan(coarse, 900.5, 1206, fine), std::vector<Piece>{});
  coarse.oldest_1h = INT64_MAX;
  EXPECT_EQ(Plan(coarse, 900.5, 1206, Any()), std::vector<Piece>{});
}

TEST(PlanRollups, ExactOnesReachAsFarAsAllIsRolledUpAndOld) {
  EXPECT_EQ(Plan(Usual(), 1002, 1206, Exact(kHour, 1002, 1206)),
            (std::vector<Piece>{{60, 1002, 1182}}));
  RollupHint young = Exact(kHour, 1002, 1206);
  young.any_age = true;
  // The bucket that ends where rolled-up leaves end may lack the sample on the border.
  EXPECT_EQ(Plan(Usual(), 1002, 1206, young), (std::vector<Piece>{{60, 1002, 1199}}));
  young.exact_resolution_ms = kFive;
  EXPECT_EQ(Plan(Usual(), 1002, 1206, young), (std::vector<Piece>{{5, 1002, 1200 - 1.0 / 12}}));
  EXPECT_EQ(Plan(Usual(), 1002, 1206, Exact(kHour, 1002, 1100)),
            (std::vector<Piece>{{60, 1002, 1100}}));
  EXPECT_EQ(Plan(Usual(), 1190, 1206, Exact(kHour, 1190, 1206)), std::vector<Piece>{});
  RollupCoverage fine = Usual();
  fine.oldest_1h = INT64_MAX;
  EXPECT_EQ(Plan(fine, 1002, 1206, Exact(kHour, 1002, 1100)),
            (std::vector<Piece>{{5, 1002, 1100}}));
  // Where samples are gone, too, there is one resolution when the hourly one fits.
  EXPECT_EQ(Plan(Usual(), 600, 1206, Exact(kHour, 600, 1206)),
            (std::vector<Piece>{{60, 598, 1182}}));
  EXPECT_EQ(Plan(Usual(), 100, 1206, Exact(kFive, 100, 1206)),
            (std::vector<Piece>{{60, 98, 500}, {5, 500, 1182}}));
}

TEST(PlanRollups, WhatIsNotRolledUpYetIsReadAsSamples) {
  RollupCoverage coverage = Usual();
  coverage.rolled_up_until = 900 * kHour;
  EXPECT_EQ(Plan(coverage, 600, 1206, Any()), (std::vector<Piece>{{5, 598, 899}}));
  coverage.rolled_up_until = INT64_MIN;
  EXPECT_EQ(Plan(coverage, 600, 1206, Any()), std::vector<Piece>{});
  // No leaf is left.
  coverage.samples_from = coverage.rolled_up_until = INT64_MAX;
  coverage.replace_until = INT64_MIN / 2;
  EXPECT_EQ(Plan(coverage, 600, 1206, Any()), (std::vector<Piece>{{5, 598, 1206}}));
}

TEST(PlanRollups, GapsBetweenLeavesAreAnsweredAsWhatIsGone) {
  RollupCoverage coverage = Usual();
  coverage.gaps = {{1020 * kHour, 1100 * kHour}};
  EXPECT_EQ(Plan(coverage, 1002, 1206, Any()), (std::vector<Piece>{{5, 1020, 1100}}));
  EXPECT_EQ(Plan(coverage, 1050, 1060, Any()), (std::vector<Piece>{{5, 1048, 1060}}));
  EXPECT_EQ(Plan(coverage, 1110, 1206, Any()), std::vector<Piece>{});
  EXPECT_EQ(Plan(coverage, 900, 1206, Any()),
            (std::vector<Piece>{{5, 898, 1000}, {5, 1020, 1100}}));
  // Exact ones fill what is between.
  EXPECT_EQ(Plan(coverage, 1002, 1206, Exact(kHour, 1002, 1206)),
            (std::vector<Piece>{{60, 1002, 1020}, {60, 1020, 1182}}));
  EXPECT_EQ(Plan(coverage, 900, 1206, Exact(kFive, 900, 1206)),
            (std::vector<Piece>{{5, 898, 1020}, {5, 1020, 1182}}));
  // A late chunk in the oldest leaf: samples are read where they are there.
  coverage.rolled_up_until = 1000 * kHour;
  EXPECT_EQ(Plan(coverage, 1002, 1206, Exact(kHour, 1002, 1206)),
            (std::vector<Piece>{{60, 1020, 1100}}));
}

TEST(PlanRollups, SaysWhereSamplesAreThereToo) {
  const auto pieces = PlanRollups(Usual(), 600 * kHour, 1206 * kHour, Exact(kHour, 600, 1206));
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].exact_after, 1000 * kHour);
  EXPECT_EQ(PlanRollups(Usual(), 900 * kHour, 1206 * kHour, Any())[0].exact_after, 1000 * kHour);
  EXPECT_EQ(
      PlanRollups(Usual(), 1002 * kHour, 1206 * kHour, Exact(kHour, 1002, 1206))[0].exact_after,
      1002 * kHour);
}

}  // namespace
}  // namespace vigil::postgres
