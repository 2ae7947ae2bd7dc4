// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/slot_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace vigil::alerting {
namespace {

AlertSlotPtr SlotOf(uint64_t fingerprint) {
  auto alert = std::make_shared<Alert>();
  alert->fingerprint = fingerprint;
  return std::make_shared<AlertSlot>(std::move(alert));
}

TEST(SlotTable, HoldsWhatAMapHolds) {
  std::mt19937_64 random(5);
  SlotTable table;
  std::map<uint64_t, AlertSlotPtr> model;
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_FALSE(table.Erase(0));
  for (int step = 0; step < 20'000; ++step) {
    // It grows and shrinks, and the same fingerprints come back.
    const uint64_t fingerprint = random() % 200 << (random() % 2 * 40);
    const bool put = random() % 3 != (step / 2'000 % 2 == 0 ? 0 : 1);
    if (put && random() % 2 == 0) {
      model[fingerprint] = SlotOf(fingerprint);
      table.Put(model[fingerprint]);
    } else {
      ASSERT_EQ(table.Erase(fingerprint), model.erase(fingerprint) == 1) << step;
    }
    ASSERT_EQ(table.size(), model.size());
    ASSERT_EQ(table.empty(), model.empty());
    const uint64_t asked = random() % 200 << (random() % 2 * 40);
    const AlertSlotPtr* found = table.Find(asked);
    const auto expected = model.find(asked);
    ASSERT_EQ(found == nullptr ? nullptr : found->get(),
              expected == model.end() ? nullptr : expected->second.get());
    if (step % 100 != 0) continue;
    std::map<uint64_t, AlertSlotPtr> all;
    table.ForEach([&](const AlertSlotPtr& slot) { all[slot->fingerprint()] = slot; });
    ASSERT_EQ(all, model);
  }
}

}  // namespace
}  // namespace vigil::alerting
