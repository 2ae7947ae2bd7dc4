// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's binary formats.
#include "server/postgres/binary.h"

#include <gtest/gtest.h>

#include <limits>

namespace vigil::postgres {
namespace {

TEST(BinaryIntegers, ComeBackWithTheirSign) {
  for (const int64_t value :
       {int64_t{0}, int64_t{-1}, int64_t{1} << 40, std::numeric_limits<int64_t>::min()}) {
    std::string bytes;
    AppendInt64(value, &bytes);
    EXPECT_EQ(ReadInt(bytes), value);
  }
  std::string bytes;
  AppendInt16(-2, &bytes);
  AppendInt32(-3, &bytes);
  EXPECT_EQ(ReadInt(std::string_view(bytes).substr(0, 2)), -2);
  EXPECT_EQ(ReadInt(std::string_view(bytes).substr(2)), -3);
}

TEST(BinaryParameters, CarryTypesAndLengths) {
  const std::vector<std::string> names = {"a", "bc"};
  const std::vector<int64_t> ids = {1, 2, 3};
  Parameters parameters;
  parameters.Int8(7).Text("x").Int8Array(ids).TextArray(names).Int8Array({});
  const Parameters::Raw raw = parameters.raw();
  EXPECT_EQ(raw.types, (std::vector<uint32_t>{20, 25, 1016, 1009, 1016}));
  EXPECT_EQ(raw.lengths, (std::vector<int>{8, 1, 20 + 3 * 12, 20 + 4 + 1 + 4 + 2, 12}));
}

TEST(BinaryTextArray, ReadsWhatParametersWrite) {
  const std::vector<std::string> values = {"one", "", "drei"};
  Parameters parameters;
  parameters.TextArray(values);
  const Parameters::Raw raw = parameters.raw();
  std::vector<std::string_view> read;
  ASSERT_TRUE(ReadTextArray({raw.values[0], static_cast<size_t>(raw.lengths[0])}, &read));
  EXPECT_EQ(std::vector<std::string>(read.begin(), read.end()), values);
}

TEST(BinaryTextArray, RefusesTornBytes) {
  const std::vector<std::string> values = {"one"};
  Parameters parameters;
  parameters.TextArray(values);
  const Parameters::Raw raw = parameters.raw();
  std::vector<std::string_view> read;
  for (int cut = 0; cut < raw.lengths[0]; ++cut) {
    EXPECT_FALSE(ReadTextArray({raw.values[0], static_cast<size_t>(cut)}, &read)) << cut;
  }
}

std::string CopyOfTwoRows() {
  std::string copy;
  AppendCopyHeader(&copy);
  for (const int32_t value : {1, 2}) {
    AppendInt16(2, &copy);
    AppendInt32(4, &copy);
    AppendInt32(value, &copy);
    AppendInt32(-1, &copy);
  }
  AppendCopyTrailer(&copy);
  return copy;
}

TEST(CopyOutParser, ReadsRowsAndNulls) {
  std::vector<int64_t> values;
  CopyOutParser parser;
  auto fed = parser.Feed(CopyOfTwoRows(), [&](const CopyOutParser::Fields& f) -> Result<void> {
    values.push_back(ReadInt(f[0]));
    EXPECT_EQ(f[1].data(), nullptr);
    return Ok();
  });
  EXPECT_TRUE(fed);
  EXPECT_EQ(values, (std::vector<int64_t>{1, 2}));
}

TEST(CopyOutParser, RefusesATornRow) {
  const std::string copy = CopyOfTwoRows();
  CopyOutParser parser;
  EXPECT_FALSE(parser.Feed(std::string_view(copy).substr(0, 25),
                           [](const CopyOutParser::Fields&) { return Ok(); }));
  CopyOutParser headless;
  EXPECT_FALSE(headless.Feed("not a copy", [](const CopyOutParser::Fields&) { return Ok(); }));
}

TEST(ArrayLiteral, EscapesQuotesAndBackslashes) {
  std::string literal = "{";
  AppendArrayElement("a\"b", true, &literal);
  AppendArrayElement("c\\", false, &literal);
  EXPECT_EQ(literal + "}", R"({"a\"b","c\\"})");
}

TEST(MendText, ReplacesWhatTextCannotHold) {
  std::string mended = "untouched";
  EXPECT_FALSE(MendText("schön", &mended));
  EXPECT_EQ(mended, "untouched");
  EXPECT_TRUE(MendText(std::string_view("a\0b", 3), &mended));
  EXPECT_EQ(mended,
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_TRUE(MendText("\xC3(\xE2\x82", &mended));
  EXPECT_EQ(mended, "\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace vigil::postgres
