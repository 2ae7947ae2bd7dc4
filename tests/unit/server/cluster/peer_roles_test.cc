// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/peer_roles.h"

#include <gtest/gtest.h>

#include <map>

namespace vigil::cluster {
namespace {

TEST(PeerRoles, ReadsWhatItWrites) {
  const Result<int64_t> leads = EpochOfLeader(RolePage(true, 7));
  ASSERT_TRUE(leads) << leads.error().message;
  EXPECT_EQ(*leads, 7);
  const Result<int64_t> stands_by = EpochOfLeader(RolePage(false, 7));
  ASSERT_FALSE(stands_by);
  EXPECT_EQ(stands_by.error().kind, ErrorKind::kNotFound);
}

TEST(PeerRoles, RefusesPagesThatSayNoRole) {
  for (const char* page : {"", "leader", "leader \n", "leader x\n", "leader -1\n", "leader 1 2\n",
                           "leader 9223372036854775808\n", "404 page not found\n", "Leader 1\n"}) {
    const Result<int64_t> leads = EpochOfLeader(page);
    ASSERT_FALSE(leads) << page;
    EXPECT_EQ(leads.error().kind, ErrorKind::kBadData) << page;
  }
}

// Servers by their URL: status and body; 0 does not answer.
class AskedPeers : public testing::Test {
 protected:
  PeersSay AskAll(const std::vector<std::string>& urls, int64_t epoch) {
    asked_.clear();
    const PeerRoles roles(
        client_, [this](http::ClientRequest request) { return Answer(std::move(request)); });
    return roles.AskAll(urls, epoch);
  }

  std::map<std::string, std::pair<int, std::string>> servers_;
  std::vector<std::string> asked_;
  std::shared_ptr<const http::ClientOptions> client_ =
      std::make_shared<const http::ClientOptions>();

 private:
  Result<http::ClientResponse> Answer(http::ClientRequest request) {
    asked_.push_back(request.url);
    EXPECT_EQ(request.options, client_);
    EXPECT_LE(request.timeout_ms, PeerRoles::kTimeoutMs);
    EXPECT_GT(request.max_body_bytes, 0U);
    const auto& [status, body] = servers_[request.url];
    if (status == 0) return Unavailable("dial tcp: connection refused");
    http::ClientResponse response;
    response.status = status;
    response.body = body;
    return response;
  }
};

TEST_F(AskedPeers, OneThatLeadsByANewerEpochIsTheLeader) {
  servers_["http://a/p/-/role"] = {200, RolePage(true, 4)};
  EXPECT_EQ(AskAll({"http://a/p"}, 3), PeersSay::kAnotherLeads);
  EXPECT_EQ(asked_, (std::vector<std::string>{"http://a/p/-/role"}));
}

TEST_F(AskedPeers, NobodyKnownIsNobodyAsked) {
  EXPECT_EQ(AskAll({}, 3), PeersSay::kNothing);
  EXPECT_TRUE(asked_.empty());
}

// An address that leads back to this very server, or one that was replaced itself.
TEST_F(AskedPeers, OneThatLeadsByThisEpochOrAnOlderOneIsNot) {
  servers_["http://a/-/role"] = {200, RolePage(true, 3)};
  servers_["http://b/-/role"] = {200, RolePage(true, 2)};
  EXPECT_EQ(AskAll({"http://a", "http://b"}, 3), PeersSay::kNothing);
  EXPECT_EQ(asked_.size(), 2U);
}

// PostgreSQL is away for it as well, or it has not taken over yet.
TEST_F(AskedPeers, OneThatStandsByIsNot) {
  servers_["http://a/-/role"] = {200, RolePage(false, 9)};
  EXPECT_EQ(AskAll({"http://a"}, 3), PeersSay::kStandBy);
  // Another one that is away does not change it.
  EXPECT_EQ(AskAll({"http://a", "http://b"}, 3), PeersSay::kStandBy);
  servers_["http://b/-/role"] = {200, RolePage(true, 9)};
  EXPECT_EQ(AskAll({"http://a", "http://b"}, 3), PeersSay::kAnotherLeads);
}

TEST_F(AskedPeers, OneThatGivesNoAnswerIsNot) {
  servers_["http://b/-/role"] = {401, RolePage(true, 9)};
  servers_["http://c/-/role"] = {404, "404 page not found\n"};
  servers_["http://d/-/role"] = {200, "<html>"};
  EXPECT_EQ(AskAll({"http://a", "http://b", "http://c", "http://d"}, 3), PeersSay::kNothing);
  EXPECT_EQ(asked_.size(), 4U);
  // The next one may know more.
  servers_["http://e/-/role"] = {200, RolePage(true, 9)};
  EXPECT_EQ(AskAll({"http://a", "http://e"}, 3), PeersSay::kAnotherLeads);
}

}  // namespace
}  // namespace vigil::cluster
