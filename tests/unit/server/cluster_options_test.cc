// SPDX-License-Identifier: Apache-2.0
#include "server/cluster_options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace vigil::server {
namespace {

// A problem, or "".
std::string ProblemOf(const ClusterOptions& options, bool own_postgres = false) {
  const Result<void> checked = options.Check(own_postgres);
  return checked ? "" : checked.error().message;
}

TEST(ClusterOptions, RefusesWhatMakesNoSense) {
  EXPECT_EQ(ProblemOf({}), "");
  EXPECT_EQ(ProblemOf({}, true), "");
  ClusterOptions options;
  options.standby = true;
  EXPECT_EQ(ProblemOf(options), "");
  EXPECT_NE(ProblemOf(options, true).find("needs --storage.postgres.dsn"), std::string::npos);
  options.lease_ms = 999;
  EXPECT_EQ(ProblemOf(options), "--cluster.lease must be at least 1s");
  options = {};
  options.tls_cert_file = "c";
  EXPECT_EQ(ProblemOf(options), "--cluster.tls-cert-file and --cluster.tls-key-file go together");
  options.tls_key_file = "k";
  EXPECT_EQ(ProblemOf(options), "");
  options = {};
  options.username = "u";
  EXPECT_EQ(ProblemOf(options), "--cluster.username and --cluster.password-file go together");
  options = {};
  options.password_file = "p";
  EXPECT_EQ(ProblemOf(options), "--cluster.username and --cluster.password-file go together");
}

TEST(ClusterOptions, ChecksTheAddressThatItAdvertises) {
  const auto problem = [](const std::string& url) {
    ClusterOptions options;
    options.advertise_url = url;
    return ProblemOf(options);
  };
  EXPECT_EQ(problem("http://a:1/p"), "");
  EXPECT_EQ(problem("https://a"), "");
  for (const char* bad : {"a:1", "ftp://a", "http://", "http://:1", "https:///p", "http://u@a",
                          "http://a?q", "http://a#f", "http://a/ b", "http://a/\x7f"}) {
    EXPECT_NE(problem(bad).find("--cluster.advertise-url"), std::string::npos) << bad;
  }
}

TEST(ClusterOptions, MakesAnAddressOfTheListenAddress) {
  const auto url = [](ClusterOptions options, const std::string& listen, int port) {
    toolkit::WebFlags web("0.0.0.0:9090");
    web.listen_addresses = {listen};
    web.route_prefix = "/p";
    const auto made = AdvertisedUrl(options, web, "host.name", port);
    return made ? *made : made.error().message;
  };
  EXPECT_EQ(url({}, "0.0.0.0:9090", 9090), "http://host.name:9090/p");
  EXPECT_EQ(url({}, ":9090", 9090), "http://host.name:9090/p");
  EXPECT_EQ(url({}, "10.0.0.1:9090", 9090), "http://10.0.0.1:9090/p");
  EXPECT_EQ(url({}, "127.0.0.1:9090", 9090), "http://127.0.0.1:9090/p");
  ClusterOptions standby;
  standby.standby = true;
  for (const char* listen : {"127.0.0.1:9090", "localhost:9090"}) {
    EXPECT_NE(url(standby, listen, 9090).find("needs --cluster.advertise-url"), std::string::npos);
  }
  EXPECT_NE(url(standby, "10.0.0.1:0", 0).find("needs --cluster.advertise-url"), std::string::npos);
  standby.advertise_url = "https://other:1/q//";
  EXPECT_EQ(url(standby, "127.0.0.1:0", 0), "https://other:1/q");
}

TEST(ClusterOptions, AsksOthersUnderANameOfItsOwnOnly) {
  std::string path = testing::TempDir() + "/password-XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, " secret\n", 8), 8);
  close(fd);
  ClusterOptions options;
  options.tls_ca_file = "ca.pem";
  options.username = "alice";
  options.password_file = path;
  const auto peer = options.PeerClient();
  ASSERT_TRUE(peer) << peer.error().message;
  EXPECT_EQ((*peer)->basic_auth_username, "alice");
  EXPECT_EQ((*peer)->basic_auth_password, "secret");
  EXPECT_EQ((*peer)->ca_file, "ca.pem");
  EXPECT_FALSE((*peer)->follow_redirects);
  // What clients ask is passed on with their names, not with this one.
  EXPECT_EQ(options.Client()->basic_auth_username, "");
  EXPECT_EQ(options.Client()->basic_auth_password, "");
  EXPECT_EQ(options.Client()->ca_file, "ca.pem");
  ASSERT_EQ(std::remove(path.c_str()), 0);
  const auto gone = options.PeerClient();
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().message.starts_with("reading --cluster.password-file: "));
}

}  // namespace
}  // namespace vigil::server
