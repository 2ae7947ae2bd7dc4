// SPDX-License-Identifier: Apache-2.0
#include "server/reload_order.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vigil::server {
namespace {

class ReloadOrder : public testing::Test {
 protected:
  // Runs the parts; those named in fails fail. What ran, in its order.
  std::vector<std::string> Run(std::vector<std::string> fails, bool with_alerting = true) {
    ran_.clear();
    fails_ = std::move(fails);
    FallibleReload parts;
    parts.open_query_log = Part("query log");
    parts.reopen_query_log = Part("query log before");
    if (with_alerting) parts.reload_alerting = Part("alerting");
    parts.apply_policy = Part("retention");
    const Result<void> done = parts.Run();
    problem_ = done ? "" : done.error().message;
    return ran_;
  }

  std::string problem_;

 private:
  FallibleReload::Part Part(const std::string& name) {
    return [this, name]() -> Result<void> {
      ran_.push_back(name);
      if (std::find(fails_.begin(), fails_.end(), name) != fails_.end()) return BadData(name);
      return Ok();
    };
  }

  std::vector<std::string> fails_;
  std::vector<std::string> ran_;
};

using Ran = std::vector<std::string>;

TEST_F(ReloadOrder, AppliesRetentionLast) {
  EXPECT_EQ(Run({}), (Ran{"query log", "alerting", "retention"}));
  EXPECT_EQ(problem_, "");
  EXPECT_EQ(Run({}, false), (Ran{"query log", "retention"}));
  EXPECT_EQ(problem_, "");
}

TEST_F(ReloadOrder, StopsAtAQueryLogThatCannotBeOpened) {
  EXPECT_EQ(Run({"query log"}), (Ran{"query log"}));
  EXPECT_EQ(problem_, "query log");
}

TEST_F(ReloadOrder, DeletesNothingWhenAlertingIsRefused) {
  EXPECT_EQ(Run({"alerting"}), (Ran{"query log", "alerting", "query log before"}));
  EXPECT_EQ(problem_, "alerting");
}

TEST_F(ReloadOrder, OpensTheQueryLogBeforeWhenRetentionIsRefused) {
  EXPECT_EQ(Run({"retention"}), (Ran{"query log", "alerting", "retention", "query log before"}));
  EXPECT_EQ(problem_, "retention");
}

TEST_F(ReloadOrder, SaysWhatFailedFirst) {
  EXPECT_EQ(Run({"retention", "query log before"}, false),
            (Ran{"query log", "retention", "query log before"}));
  EXPECT_EQ(problem_, "retention");
}

}  // namespace
}  // namespace vigil::server
