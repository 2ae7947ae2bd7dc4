// SPDX-License-Identifier: Apache-2.0
#include "pushgateway/grouping_key.h"

#include <gtest/gtest.h>

#include <string>

namespace vigil::pushgateway {
namespace {

// name=value pairs joined, or the error.
std::string Read(std::string_view path) {
  const auto key = GroupingKey::Parse(path);
  if (!key) return "error: " + key.error().message;
  std::string out;
  for (const auto& [name, value] : key->labels()) out += name + "=" + value + ";";
  return out;
}

TEST(GroupingKey, ReadsJobAndPairs) {
  EXPECT_EQ(Read("job/a"), "job=a;");
  EXPECT_EQ(Read("job/a/zone/b/x/c"), "job=a;x=c;zone=b;");
  EXPECT_EQ(Read("job/a/"), "job=a;");
}

TEST(GroupingKey, OrderOfLabelsIsIrrelevant) {
  EXPECT_EQ(GroupingKey::Parse("job/a/x/1/y/2")->text(),
            GroupingKey::Parse("job/a/y/2/x/1")->text());
}

TEST(GroupingKey, DecodesPercentButNotPlus) {
  EXPECT_EQ(Read("job/a%20b+c/p/%2Fsrv%2Fx"), "job=a b+c;p=/srv/x;");
}

TEST(GroupingKey, DecodesBase64InBothAlphabets) {
  EXPECT_EQ(Read("job@base64/L3Zhci90bXA"), "job=/var/tmp;");
  EXPECT_EQ(Read("job@base64/L3Zhci90bXA="), "job=/var/tmp;");
  EXPECT_EQ(Read("job/a/p@base64/Pz8_"), "job=a;p=???;");
  EXPECT_EQ(Read("job/a/p@base64/Pz8%2F"), "job=a;p=???;");
}

TEST(GroupingKey, LoneEqualsSignIsAnEmptyValue) {
  EXPECT_EQ(Read("job/a/p@base64/="), "job=a;p=;");
  EXPECT_EQ(Read("job@base64/="), "error: job name is required");
}

TEST(GroupingKey, LastDuplicateWinsButNotOverTheJob) {
  EXPECT_EQ(Read("job/a/x/1/x/2"), "job=a;x=2;");
  EXPECT_EQ(Read("job/a/job/b"), "job=a;");
}

TEST(GroupingKey, RefusesBadPaths) {
  EXPECT_EQ(Read("job/a/b"), "error: odd number of components in label string \"/b\"");
  EXPECT_EQ(Read("job//"), "error: job name is required");
  EXPECT_EQ(Read("job/a/__x/1"), "error: improper label name \"__x\"");
  EXPECT_EQ(Read("job/a/1x/1"), "error: improper label name \"1x\"");
  EXPECT_TRUE(Read("job/a/x//y/1").starts_with("error: empty value of label \"x\""));
  EXPECT_TRUE(Read("job/a/x@base64/!!").starts_with("error: invalid base64 encoding for label x="));
  EXPECT_TRUE(Read("job@base64/!").starts_with("error: invalid base64 encoding in job name"));
  EXPECT_TRUE(Read("job/a/x/%zz").starts_with("error: "));
  EXPECT_EQ(Read("job/a/x/%ff"), "error: value of label \"x\" is not valid UTF-8");
  EXPECT_EQ(Read("job/a/x/b%00c"), "error: value of label \"x\" has a zero byte");
}

TEST(GroupingKey, OtherPathsAreNotFound) {
  for (const char* path : {"", "job", "job/", "foo/bar", "instance/x/job/a"}) {
    const auto key = GroupingKey::Parse(path);
    ASSERT_FALSE(key) << path;
    EXPECT_EQ(key.error().kind, ErrorKind::kNotFound) << path;
  }
}

TEST(GroupingKey, SortsTheShorterFirst) {
  const KeyTextLess less;
  EXPECT_TRUE(less(GroupingKey::Parse("job/hh")->text(), GroupingKey::Parse("job/hh2")->text()));
  EXPECT_TRUE(less(GroupingKey::Parse("job/a")->text(), GroupingKey::Parse("job/a/x/1")->text()));
}

}  // namespace
}  // namespace vigil::pushgateway
