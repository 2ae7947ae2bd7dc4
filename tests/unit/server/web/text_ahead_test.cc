// SPDX-License-Identifier: Apache-2.0
#include "server/web/text_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "server/promql/workers.h"

namespace vigil::web {
namespace {

std::string PartText(size_t part) { return std::to_string(part) + ";"; }

TEST(TextAhead, SendsInOrderAndIsNeverFarAhead) {
  for (const size_t threads : {size_t{0}, size_t{1}, size_t{3}}) {
    promql::Workers helpers(threads);
    std::atomic<size_t> sent_parts = 0;
    std::atomic<size_t> too_far = 0;
    std::string sent;
    std::string expected;
    TextAhead text;
    text.count = 2'000;
    text.helpers = &helpers;
    text.write = [&](size_t part, std::string* out) {
      EXPECT_EQ(*out, "");
      if (part >= sent_parts + TextAhead::kParts) ++too_far;
      *out += PartText(part);
    };
    text.send = [&](std::string_view part) {
      sent += part;
      // Counted early: a helper may begin the next part before this returns.
      ++sent_parts;
      return true;
    };
    EXPECT_TRUE(SendInOrder(text));
    for (size_t part = 0; part < text.count; ++part) expected += PartText(part);
    EXPECT_EQ(sent, expected);
    EXPECT_EQ(too_far, 0U);
  }
}

TEST(TextAhead, SendsNothingOfNothing) {
  TextAhead text;
  EXPECT_TRUE(SendInOrder(text));
}

TEST(TextAhead, EndsWhenNobodyWantsMore) {
  promql::Workers helpers(1);
  std::atomic<size_t> written = 0;
  size_t sends = 0;
  TextAhead text;
  text.count = 1'000;
  text.helpers = &helpers;
  text.write = [&](size_t, std::string* out) {
    ++written;
    *out += "x";
  };
  text.send = [&](std::string_view) { return ++sends < 3; };
  EXPECT_FALSE(SendInOrder(text));
  EXPECT_EQ(sends, 3U);
  EXPECT_LE(written, 3 + TextAhead::kParts);
}

TEST(TextAhead, HelpersDoNotWaitForASlowClient) {
  promql::Workers helpers(1);
  std::atomic<size_t> by_helpers = 0;
  const std::thread::id self = std::this_thread::get_id();
  TextAhead text;
  text.count = 100;
  text.helpers = &helpers;
  std::atomic<int64_t> cpu_ns = 0;
  text.helper_cpu_ns = &cpu_ns;
  text.write = [&](size_t, std::string* out) {
    if (std::this_thread::get_id() != self) ++by_helpers;
    std::this_thread::yield();  // one that has just helped elsewhere gets idle
    *out += "x";
  };
  // The client takes nothing until somebody else has got the helper.
  text.send = [&](std::string_view) {
    std::atomic<bool> helped = false;
    while (!helpers.Start([&helped] { helped = true; })) std::this_thread::yield();
    while (!helped) std::this_thread::yield();
    return true;
  };
  EXPECT_TRUE(SendInOrder(text));
  EXPECT_GT(by_helpers, 0U);
  EXPECT_GT(cpu_ns, 0);
}

}  // namespace
}  // namespace vigil::web
