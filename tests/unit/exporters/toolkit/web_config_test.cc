// SPDX-License-Identifier: Apache-2.0
#include "exporters/toolkit/web_config.h"

#include <crypt.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"

namespace vigil::toolkit {
namespace {

const std::string kFixtures = std::string(VIGIL_SOURCE_DIR) + "/tests/fixtures/web_config/";

std::string HashOf(const std::string& password) {
  crypt_data work{};
  return crypt_r(password.c_str(), "$2b$04$abcdefghijklmnopqrstuu", &work);
}

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/vigil-web-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string Write(const std::string& name, std::string_view text) const {
    EXPECT_TRUE(WriteFileAtomically(path_ + "/" + name, text));
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

http::Request WithCredentials(const std::string& text) {
  http::Request request;
  if (!text.empty()) request.headers.Set("Authorization", "Basic " + Base64Encode(text));
  return request;
}

int StatusOf(WebGate& gate, const std::string& credentials) {
  const auto response = gate.Before(WithCredentials(credentials));
  return response == nullptr ? 200 : response->status;
}

TEST(WebConfig, ReadsEveryKey) {
  const std::string path = kFixtures + "good/everything.yml";
  const WebConfig config = WebConfig::Parse(ReadFile(path).value(), path).value();
  EXPECT_TRUE(config.tls_enabled);
  EXPECT_EQ(config.tls.cert_file, kFixtures + "good/server.crt");
  EXPECT_EQ(config.tls.key_file, "/abs/server.key");
  EXPECT_EQ(config.tls.client_auth, "RequireAndVerifyClientCert");
  EXPECT_EQ(config.tls.client_allowed_sans.size(), 2u);
  EXPECT_EQ(config.tls.curves, (std::vector<std::string>{"CurveP256", "X25519"}));
  EXPECT_FALSE(config.tls.prefer_server_cipher_suites);
  EXPECT_EQ(config.headers.size(), 5u);
  EXPECT_EQ(config.basic_auth_users.size(), 2u);
  EXPECT_EQ(config.rate_limit_interval_ms, 1000);
  EXPECT_EQ(config.rate_limit_burst, 10);
  ASSERT_EQ(config.warnings.size(), 1u);
  EXPECT_NE(config.warnings[0].find("http2"), std::string::npos);
}

TEST(WebConfig, ReadsTheOtherGoodFiles) {
  for (const char* name : {"empty", "inline_pem"}) {
    const std::string path = kFixtures + "good/" + name + ".yml";
    const auto config = WebConfig::Parse(ReadFile(path).value(), path);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->tls_enabled, std::string_view(name) == "inline_pem");
  }
}

TEST(WebConfig, SaysWhatIsWrongWithBadFiles) {
  const auto names = ListDirectory(kFixtures + "bad").value();
  ASSERT_GT(names.size(), 15u);
  for (const std::string& name : names) {
    const std::string text = ReadFile(kFixtures + "bad/" + name).value();
    const std::string expected =
        text.substr(std::string("# expect: ").size(), text.find('\n') - 10);
    const auto config = WebConfig::Parse(text, "web.yml");
    ASSERT_FALSE(config) << name;
    EXPECT_EQ(config.error().kind, ErrorKind::kBadData);
    EXPECT_TRUE(config.error().message.starts_with("web.yml")) << config.error().message;
    EXPECT_NE(config.error().message.find(expected), std::string::npos)
        << name << ": " << config.error().message;
  }
}

TEST(WebConfig, LoadLooksAtTheCertificates) {
  const TempDir dir;
  const std::string path =
      dir.Write("web.yml", "tls_server_config: {cert_file: no.crt, key_file: no.key}\n");
  const auto config = WebConfig::Load(path);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("no.crt"), std::string::npos) << config.error().message;
  EXPECT_NE(WebConfig::Load("/nonexistent/web.yml").error().message.find("/nonexistent/web.yml"),
            std::string::npos);
}

TEST(Bcrypt, TakesTheThreeSpellings) {
  std::string hash = HashOf("secret");
  for (const char letter : {'a', 'b', 'y'}) {
    hash[2] = letter;
    EXPECT_TRUE(BcryptMatches("secret", hash)) << hash;
    EXPECT_FALSE(BcryptMatches("Secret", hash));
  }
  EXPECT_FALSE(BcryptMatches(std::string("secret\0x", 8), hash));
  EXPECT_FALSE(BcryptMatches("secret", "nonsense"));
}

TEST(WebGate, WithoutAFileEverythingPasses) {
  const auto gate = WebGate::Open("").value();
  EXPECT_EQ(StatusOf(*gate, ""), 200);
  EXPECT_EQ(gate->TlsOptions(), nullptr);
}

TEST(WebGate, AsksForCredentials) {
  const TempDir dir;
  const auto gate =
      WebGate::Open(dir.Write("web.yml", "basic_auth_users: {alice: " + HashOf("pw") + "}\n"))
          .value();
  const auto denied = gate->Before(WithCredentials(""));
  ASSERT_NE(denied, nullptr);
  EXPECT_EQ(denied->status, 401);
  EXPECT_EQ(denied->headers.Get("WWW-Authenticate"), "Basic");
  for (int i = 0; i < 2; ++i) {  // the second answer is from the cache
    EXPECT_EQ(StatusOf(*gate, "alice:pw"), 200);
    EXPECT_EQ(StatusOf(*gate, "alice:no"), 401);
    EXPECT_EQ(StatusOf(*gate, "bob:pw"), 401);
    EXPECT_EQ(StatusOf(*gate, "alice"), 401);
  }
  http::Request broken;
  broken.headers.Set("Authorization", "Basic !!!");
  EXPECT_EQ(gate->Before(broken)->status, 401);
  broken.headers.Set("Authorization", "Bearer x");
  EXPECT_EQ(gate->Before(broken)->status, 401);
}

TEST(WebGate, AddsHeaders) {
  const TempDir dir;
  const auto gate = WebGate::Open(dir.Write("web.yml",
                                            "http_server_config:\n  headers:\n"
                                            "    X-Frame-Options: deny\n"))
                        .value();
  http::Response response;
  gate->After(http::Request(), &response);
  EXPECT_EQ(response.headers.Get("X-Frame-Options"), "deny");
}

TEST(WebGate, LimitsTheRate) {
  const TempDir dir;
  ManualClock clock;
  const auto gate =
      WebGate::Open(dir.Write("web.yml", "rate_limit: {interval: 1s, burst: 2}\n"), clock).value();
  EXPECT_EQ(StatusOf(*gate, ""), 200);
  EXPECT_EQ(StatusOf(*gate, ""), 200);
  EXPECT_EQ(StatusOf(*gate, ""), 429);
  clock.Advance(1000);
  EXPECT_EQ(StatusOf(*gate, ""), 200);
  EXPECT_EQ(StatusOf(*gate, ""), 429);
  clock.Advance(3'600'000);  // no more than the burst is saved up
  EXPECT_EQ(StatusOf(*gate, ""), 200);
  EXPECT_EQ(StatusOf(*gate, ""), 200);
  EXPECT_EQ(StatusOf(*gate, ""), 429);
}

TEST(WebGate, FollowsTheFile) {
  const TempDir dir;
  const std::string path =
      dir.Write("web.yml", "basic_auth_users: {alice: " + HashOf("pw") + "}\n");
  const auto gate = WebGate::Open(path).value();
  EXPECT_EQ(StatusOf(*gate, "alice:pw"), 200);
  static_cast<void>(dir.Write("web.yml", "basic_auth_users: {alice: " + HashOf("new") + "}\n\n"));
  EXPECT_EQ(StatusOf(*gate, "alice:pw"), 401);
  EXPECT_EQ(StatusOf(*gate, "alice:new"), 200);
  static_cast<void>(dir.Write("web.yml", "nonsense: 1\n"));
  EXPECT_EQ(StatusOf(*gate, "alice:new"), 500);
  static_cast<void>(dir.Write("web.yml", ""));
  EXPECT_EQ(StatusOf(*gate, ""), 200);
}

TEST(WebGate, ABadFileIsAStartUpError) {
  const TempDir dir;
  EXPECT_FALSE(WebGate::Open(dir.Write("web.yml", "x: 1\n")));
  EXPECT_FALSE(WebGate::Open("/nonexistent"));
}

}  // namespace
}  // namespace vigil::toolkit
