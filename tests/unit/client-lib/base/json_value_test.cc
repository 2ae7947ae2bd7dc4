// SPDX-License-Identifier: Apache-2.0
#include "client-lib/base/json_value.h"

#include <gtest/gtest.h>

#include "client-lib/base/json_reader.h"

namespace vigil {
namespace {

TEST(JsonValue, ReadsDocuments) {
  const auto value =
      ParseJson(R"( {"a": [1, -2.5e3, true, null, "x\n\"\u00e9\ud83d\ude00"], "b": {}} )");
  ASSERT_TRUE(value.has_value()) << value.error().message;
  const JsonValue& items = (*value)["a"];
  ASSERT_EQ(items.items.size(), 5U);
  EXPECT_EQ(items.items[0].text, "1");
  EXPECT_EQ(items.items[1].text, "-2.5e3");
  EXPECT_EQ(items.items[2].kind, JsonValue::Kind::kBool);
  EXPECT_EQ(items.items[3].kind, JsonValue::Kind::kNull);
  EXPECT_EQ(items.items[4].text, "x\n\"\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ((*value)["b"].kind, JsonValue::Kind::kObject);
  EXPECT_EQ((*value)["none"].kind, JsonValue::Kind::kNull);
}

TEST(JsonValue, RefusesWhatIsNoJson) {
  for (const std::string& bad :
       {std::string(""), std::string("{"), std::string("[1,"), std::string("{\"a\" 1}"),
        std::string("\"x"), std::string("\"\\u12\""), std::string("\"\\q\""), std::string("nope"),
        std::string("1 2"), std::string("<html>"), std::string(1000, '[')}) {
    EXPECT_FALSE(ParseJson(bad).has_value()) << bad;
  }
}

TEST(JsonReader, KeepsNothingOfWhatIsSkipped) {
  JsonReader reader(R"(["kept\n", ["a\n", {"b\n": "c\n"}]])");
  ASSERT_EQ(reader.Peek(), JsonReader::Kind::kArray);
  reader.Enter();
  ASSERT_TRUE(reader.NextElement());
  ASSERT_EQ(reader.Peek(), JsonReader::Kind::kString);
  const std::string_view kept = reader.String();
  ASSERT_TRUE(reader.NextElement());
  reader.Skip();
  EXPECT_FALSE(reader.NextElement());
  EXPECT_FALSE(reader.failed());
  EXPECT_EQ(kept, "kept\n");
  EXPECT_EQ(reader.TakeDecoded().size(), 1U);
}

}  // namespace
}  // namespace vigil
