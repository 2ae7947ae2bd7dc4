// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/alert_ledger.h"

#include <gtest/gtest.h>

namespace vigil::alerting {
namespace {

AlertPtr LedgerAlert(TimestampMs starts_at, TimestampMs updated_at, TimestampMs ends_at) {
  Alert alert;
  alert.labels = Labels::Of({{"alertname", "a"}});
  alert.starts_at = starts_at;
  alert.updated_at = updated_at;
  alert.ends_at = ends_at;
  alert.fingerprint = Fingerprint(alert.labels);
  return std::make_shared<const Alert>(alert);
}

TEST(AlertLedger, WritesBeginAndEndOnly) {
  AlertLedger ledger;
  AlertLedger::Noted noted = ledger.Note(LedgerAlert(10, 10, 100), 10);
  EXPECT_EQ(noted.change, AlertLedger::Change::kFiring);
  EXPECT_NE(noted.to_store, nullptr);
  noted = ledger.Note(LedgerAlert(10, 20, 110), 20);
  EXPECT_TRUE(noted.renewed);
  EXPECT_EQ(noted.to_store, nullptr);
  noted = ledger.Note(LedgerAlert(10, 30, 120), 30);
  EXPECT_FALSE(noted.renewed);
  EXPECT_EQ(noted.to_store, nullptr);
  noted = ledger.Note(LedgerAlert(10, 30, 120), 120);
  EXPECT_EQ(noted.change, AlertLedger::Change::kResolved);
  ASSERT_NE(noted.to_store, nullptr);
  EXPECT_EQ(noted.to_store->updated_at, 120);  // not firing when it was written
  noted = ledger.Note(LedgerAlert(130, 130, 200), 130);
  EXPECT_EQ(noted.change, AlertLedger::Change::kFiring);
  EXPECT_NE(noted.to_store, nullptr);
}

TEST(AlertLedger, AnotherOccurrenceWithoutAnEndInBetweenIsNews) {
  AlertLedger ledger;
  ledger.Note(LedgerAlert(10, 10, 100), 10);
  EXPECT_EQ(ledger.Note(LedgerAlert(50, 50, 150), 50).change, AlertLedger::Change::kFiring);
  // An earlier start was learnt late: the same occurrence.
  const AlertLedger::Noted noted = ledger.Note(LedgerAlert(5, 60, 150), 60);
  EXPECT_EQ(noted.change, AlertLedger::Change::kNone);
  EXPECT_NE(noted.to_store, nullptr);
}

TEST(AlertLedger, GivesSourcesTimeAfterARestart) {
  const Alert firing = *LedgerAlert(10, 10, 100);
  // It was repeated, who knows until when: the span between two reports from now on.
  EXPECT_EQ(AlertLedger::Revive(firing, true, 1'000, 30).ends_at, 1'090);
  EXPECT_TRUE(AlertLedger::Revive(firing, true, 1'000, 30).timeout);
  // Its end was said once and has passed meanwhile.
  EXPECT_EQ(AlertLedger::Revive(firing, false, 1'000, 30).ends_at, 1'030);
  // Its end is still to come.
  EXPECT_EQ(AlertLedger::Revive(firing, false, 50, 30).ends_at, 100);
  // It was over when it was written.
  EXPECT_EQ(AlertLedger::Revive(*LedgerAlert(10, 100, 100), true, 1'000, 30).ends_at, 100);
}

}  // namespace
}  // namespace vigil::alerting
