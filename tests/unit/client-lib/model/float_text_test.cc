// SPDX-License-Identifier: Apache-2.0
// Go's spelling of numbers: golden rows in tests/scripts/float_text, and round trips.
#include "client-lib/model/float_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "client-lib/model/sample.h"
#include "tests/support/script_cases.h"

namespace vigil {
namespace {

using testing_support::ScriptCase;

std::string Layouts(double value) {
  return "f " + FormatFloatF(value) + " g " + FormatFloatG(value) + " e " + FormatFloatE(value) +
         " json " + FormatFloatJson(value) + " exposition " + FormatFloatExposition(value);
}

std::string ParseBoth(const std::string& text) {
  bool overflow = false;
  const auto go = ParseFloat(text, &overflow);
  const auto exposition = ParseExpositionFloat(text);
  std::string out = go ? FormatFloatE(*go) : "refused";
  if (overflow) out += " overflow";
  return out + ", exposition " + (exposition ? FormatFloatE(*exposition) : "refused");
}

// "format NUMBER" prints all layouts, "parse TEXT" what the two readers make of it.
std::vector<std::string> RunFloatCase(const ScriptCase& one) {
  std::vector<std::string> out;
  for (const std::string& line : one.input) {
    const std::string text = line.substr(line.find(' ') + 1);
    const bool format = line.starts_with("format ");
    out.push_back(text + ": " + (format ? Layouts(*ParseFloat(text)) : ParseBoth(text)));
  }
  return out;
}

TEST(FloatText, GoldenRows) { testing_support::RunScripts("float_text", RunFloatCase); }

TEST(FloatText, EveryLayoutReadsBackBitForBit) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 200'000; ++i) {
    // Half of them random bits, half of them short decimals as real metrics have them.
    double value = std::bit_cast<double>(random());
    if (i % 2 == 0)
      value = static_cast<double>(random() % 100'000'000) / std::pow(10, random() % 12);
    if (std::isnan(value) || std::isinf(value)) continue;
    for (const std::string& text : {FormatFloatF(value), FormatFloatG(value), FormatFloatE(value),
                                    FormatFloatJson(value), FormatFloatExposition(value)}) {
      ASSERT_TRUE(SameBits(*ParseFloat(text), value)) << text;
      ASSERT_TRUE(SameBits(*ParseExpositionFloat(text), value)) << text;
    }
  }
}

// The slow twin: strtod, on decimals of every length.
TEST(FloatText, FastPathAgreesWithTheLibrary) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random() % 3 == 0 ? "-" : "";
    const size_t whole = random() % 18;
    const size_t fraction = random() % 12;
    for (size_t d = 0; d < whole; ++d) text += static_cast<char>('0' + random() % 10);
    if (random() % 2 == 0) text += '.';
    for (size_t d = 0; d < fraction; ++d) text += static_cast<char>('0' + random() % 10);
    if (random() % 4 == 0) text += "e" + std::to_string(static_cast<int>(random() % 60) - 30);
    const auto ours = ParseExpositionFloat(text);
    char* end = nullptr;
    const double wanted = std::strtod(text.c_str(), &end);
    const bool valid = !text.empty() && end == text.c_str() + text.size();
    ASSERT_EQ(ours.has_value(), valid) << text;
    if (valid) {
      ASSERT_TRUE(SameBits(*ours, wanted)) << text;
    }
  }
}

TEST(FloatText, AppendsBehindWhatIsThere) {
  std::string text = "x ";
  AppendFloatG(-0.0, &text);
  EXPECT_EQ(text, "x -0");
}

TEST(FloatText, EveryNaNIsSpelledNaN) {
  EXPECT_EQ(FormatFloatG(StaleNaN()), "NaN");
  EXPECT_EQ(FormatFloatF(-std::numeric_limits<double>::quiet_NaN()), "NaN");
}

}  // namespace
}  // namespace vigil
