// SPDX-License-Identifier: Apache-2.0
#include "server/web/name_escaping.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

TEST(UnescapeLabelName, UndoesValueEncoding) {
  EXPECT_EQ(UnescapeLabelName("job"), "job");
  EXPECT_EQ(UnescapeLabelName("U__http_2e_status"), "http.status");
  EXPECT_EQ(UnescapeLabelName("U__a__b"), "a_b");
  EXPECT_EQ(UnescapeLabelName("U___20ac_"), "\xe2\x82\xac");
  EXPECT_EQ(UnescapeLabelName("U__broken_zz_"), "U__broken_zz_");
  EXPECT_EQ(UnescapeLabelName("U__cut_2e"), "U__cut_2e");
}

TEST(EscapeName, LegacyNamesStayAsTheyAre) {
  for (const NameEscaping escaping :
       {NameEscaping::kAllowUtf8, NameEscaping::kUnderscores, NameEscaping::kValues}) {
    EXPECT_EQ(EscapeName("http_requests:rate5m", escaping), "http_requests:rate5m");
  }
  EXPECT_EQ(EscapeName("a_b.c", NameEscaping::kDots), "a__b_dot_c");
}

TEST(EscapeName, EachSchemeHasItsOwnSpelling) {
  const std::string name = "http.status \xe2\x82\xac_1";
  EXPECT_EQ(EscapeName(name, NameEscaping::kAllowUtf8), name);
  EXPECT_EQ(EscapeName(name, NameEscaping::kUnderscores), "http_status___1");
  EXPECT_EQ(EscapeName(name, NameEscaping::kDots), "http_dot_status______1");
  EXPECT_EQ(EscapeName(name, NameEscaping::kValues), "U__http_2e_status_20__20ac___1");
  EXPECT_EQ(EscapeName("1a", NameEscaping::kUnderscores), "_a");
  EXPECT_EQ(EscapeName("\xff", NameEscaping::kValues), "U___fffd_");
}

TEST(EscapeName, ValueEncodingCanBeUndone) {
  for (const std::string name : {"a.b", "\xe2\x82\xac", "x y_z", "\xf0\x9f\x98\x80!", "0"}) {
    EXPECT_EQ(UnescapeLabelName(EscapeName(name, NameEscaping::kValues)), name);
  }
}

TEST(NameEscaping, WordsAreThoseOfTheHeader) {
  EXPECT_EQ(ParseNameEscaping("dots"), NameEscaping::kDots);
  EXPECT_EQ(ParseNameEscaping(""), std::nullopt);
  EXPECT_EQ(NameEscapingWord(NameEscaping::kAllowUtf8), "allow-utf-8");
}

}  // namespace
}  // namespace vigil::web
