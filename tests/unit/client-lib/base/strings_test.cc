// SPDX-License-Identifier: Apache-2.0
// String helpers against Go's behaviour.
#include "client-lib/base/strings.h"

#include <gtest/gtest.h>

namespace vigil {
namespace {

using Views = std::vector<std::string_view>;

TEST(Strings, TrimsAllAsciiSpace) {
  EXPECT_EQ(TrimSpace(" \t\r\n\v\fa b \n"), "a b");
  EXPECT_EQ(TrimSpace(" \n"), "");
  EXPECT_EQ(TrimSpace(""), "");
}

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(Split("a,,b,", ','), (Views{"a", "", "b", ""}));
  EXPECT_EQ(Split("", ','), Views{""});
}

TEST(Strings, FieldsSkipRunsOfBlanks) {
  EXPECT_EQ(Fields(" a \t b  "), (Views{"a", "b"}));
  EXPECT_TRUE(Fields(" \t").empty());
}

TEST(Strings, JoinsWithSeparator) {
  EXPECT_EQ(Join({"a", "", "b"}, ", "), "a, , b");
  EXPECT_EQ(Join({}, ","), "");
}

TEST(Strings, ChangesAsciiCaseOnly) {
  EXPECT_EQ(AsciiLower("AbZ\xc3\x84"), "abz\xc3\x84");
  EXPECT_EQ(AsciiUpper("azA1"), "AZA1");
  EXPECT_TRUE(EqualsIgnoreCase("GZip", "gzIP"));
  EXPECT_FALSE(EqualsIgnoreCase("gzip", "gzipped"));
}

TEST(Strings, ParseUintTakesDigitsOnly) {
  EXPECT_EQ(ParseUint("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "1.0"}) {
    EXPECT_EQ(ParseUint(bad), std::nullopt) << bad;
  }
}

TEST(Strings, ParseIntTakesASign) {
  EXPECT_EQ(ParseInt("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(ParseInt("+7"), 7);
  for (const char* bad : {"", "-", "+", "+-1", "--1", "9223372036854775808", "1e3"}) {
    EXPECT_EQ(ParseInt(bad), std::nullopt) << bad;
  }
}

TEST(Strings, ValidatesUtf8Strictly) {
  for (const char* good :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf0\x80\x80\x80", "\xe2\x82", "a\x80", "\xc3(", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << bad;
  }
}

TEST(Strings, QuotesLikeGo) {
  EXPECT_EQ(Quote("plain text"), "\"plain text\"");
  EXPECT_EQ(Quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(Quote("\a\b\f\n\r\t\v"), "\"\\a\\b\\f\\n\\r\\t\\v\"");
  EXPECT_EQ(Quote(std::string_view("\0\x1f\x7f", 3)), "\"\\x00\\x1f\\x7f\"");
  EXPECT_EQ(Quote("gr\xc3\xbc\xc3\x9f \xe4\xb8\x96"), "\"gr\xc3\xbc\xc3\x9f \xe4\xb8\x96\"");
  EXPECT_EQ(Quote("\xff\xc3"), "\"\\xff\\xc3\"");
  EXPECT_EQ(Quote("\xc2\xa0"), "\"\\u00a0\"");
  EXPECT_EQ(Quote("\xe2\x80\x8b\xef\xbb\xbf"), "\"\\u200b\\ufeff\"");
  EXPECT_EQ(Quote("\xf3\xa0\x80\x81\xf0\x9f\x98\x80"), "\"\\U000e0001\xf0\x9f\x98\x80\"");
}

TEST(Strings, DecodesPercentEscapes) {
  EXPECT_EQ(*PercentDecode("a%20b%2fc+d", false), "a b/c+d");
  EXPECT_EQ(*PercentDecode("a+b%2B", true), "a b+");
  EXPECT_EQ(*PercentDecode("%e4%b8%96", false), "\xe4\xb8\x96");
  for (const char* bad : {"%", "%1", "a%zz", "%%20"}) {
    EXPECT_FALSE(PercentDecode(bad, false)) << bad;
  }
  EXPECT_EQ(PercentDecode("a%zz", false).error().message, "invalid URL escape \"%zz\"");
}

TEST(Strings, EncodesBase64) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
}

TEST(Strings, DecodesBothBase64AlphabetsWithOrWithoutPadding) {
  EXPECT_EQ(*Base64Decode("Zm8="), "fo");
  EXPECT_EQ(*Base64Decode("Zm8"), "fo");
  EXPECT_EQ(*Base64Decode("_-8"), *Base64Decode("/+8="));
  EXPECT_EQ(*Base64Decode("="), "");
  EXPECT_EQ(*Base64Decode("L3Zhci90bXA"), "/var/tmp");
  for (const char* bad : {"Z", "Zm8=x", "Z m8", "Zm8===", "Zm9vY", "\xc3\xa4"}) {
    EXPECT_FALSE(Base64Decode(bad)) << bad;
  }
  EXPECT_EQ(Base64Decode("Zm!").error().message, "illegal base64 data at input byte 2");
}

TEST(Strings, Base64ReadsBackWhatItWrote) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(*Base64Decode(Base64Encode(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

}  // namespace
}  // namespace vigil
