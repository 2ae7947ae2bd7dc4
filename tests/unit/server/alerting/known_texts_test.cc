// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/known_texts.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace vigil::alerting {
namespace {

TEST(KnownTexts, FindsWhoHadTheTextLast) {
  std::mt19937 random(3);
  std::vector<AlertSlotPtr> slots;
  for (int i = 0; i < 60; ++i) {
    slots.push_back(std::make_shared<AlertSlot>(std::make_shared<const Alert>()));
  }
  // Few low halves: they collide in their places, also about the end of the table, and some in
  // full.
  const auto random_text = [&] {
    const uint64_t low = random() % 97 * 61;
    return TextKey{random() % 2 == 0 ? low : ~uint64_t{0} - low % 40, random() % 3 + 1};
  };
  KnownTexts texts;
  EXPECT_EQ(texts.Find(random_text()), nullptr);
  for (int step = 0; step < 20'000; ++step) {
    const TextKey text = random() % 3 == 0 ? TextKey() : random_text();
    AlertSlot* found = texts.Find(text);
    // A text is of one alert.
    if (found == nullptr) texts.Set(slots[random() % slots.size()].get(), text);
    size_t with_text = 0;
    for (const AlertSlotPtr& slot : slots) {
      if (slot->text.empty()) continue;
      ++with_text;
      ASSERT_EQ(texts.Find(slot->text), slot.get()) << step;
    }
    ASSERT_EQ(texts.size(), with_text);
    if (found != nullptr) {
      ASSERT_EQ(found->text, text);
    } else if (!text.empty()) {
      ASSERT_NE(texts.Find(text), nullptr);
    }
  }
}

TEST(KnownTexts, AKeyDependsOnTextAndSeed) {
  EXPECT_EQ(KeyOfText("a", 1), KeyOfText("a", 1));
  EXPECT_FALSE(KeyOfText("a", 1) == KeyOfText("b", 1));
  EXPECT_FALSE(KeyOfText("a", 1) == KeyOfText("a", 2));
  EXPECT_FALSE(KeyOfText("", 0).empty());
}

}  // namespace
}  // namespace vigil::alerting
