// SPDX-License-Identifier: Apache-2.0
#include "server/notify/aws_credentials.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>

#include "client-lib/base/files.h"

namespace vigil::notify {
namespace {

class AwsWorld : public testing::Test {
 protected:
  AwsWorld() {
    std::string pattern = testing::TempDir() + "vigil_aws_XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    variables["HOME"] = pattern;
    EXPECT_TRUE(MakeDirectories(pattern + "/.aws"));
  }
  ~AwsWorld() override { std::filesystem::remove_all(variables["HOME"]); }

  void WriteFile(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(variables["HOME"] + "/" + name, text));
  }
  AwsCredentialSource Source(alerting::Sigv4Config config = {}) {
    return AwsCredentialSource(std::move(config), clock,
                               [this](const char* name) { return variables[name]; });
  }
  // key/secret/token, or the error.
  std::string Keys(alerting::Sigv4Config config = {}) {
    const auto keys = Source(std::move(config)).Get();
    if (!keys) return "! " + keys.error().message;
    return keys->access_key + "/" + keys->secret_key + "/" + keys->session_token;
  }

  std::map<std::string, std::string> variables;
  ManualClock clock{1'770'091'506'000};
};

TEST_F(AwsWorld, LooksWhereAwsLooks) {
  EXPECT_TRUE(Keys().starts_with("! no AWS credentials found")) << Keys();
  WriteFile(".aws/credentials",
            "# mine\n[default]\naws_access_key_id = DK\naws_secret_access_key=DS\n"
            "[team]\nAWS_ACCESS_KEY_ID=TK\naws_secret_access_key = TS\naws_session_token = TT\n");
  WriteFile(".aws/config",
            "[default]\nregion = eu-north-1\n[profile team]\nregion=eu-south-1\n"
            "[profile late]\naws_access_key_id=LK\naws_secret_access_key=LS\n");
  EXPECT_EQ(Keys(), "DK/DS/");
  EXPECT_EQ(Source().Region().value(), "eu-north-1");
  variables["AWS_PROFILE"] = "team";
  EXPECT_EQ(Keys(), "TK/TS/TT");
  EXPECT_EQ(Source().Region().value(), "eu-south-1");
  variables["AWS_REGION"] = "eu-west-9";
  EXPECT_EQ(Source().Region().value(), "eu-west-9");
  variables["AWS_ACCESS_KEY_ID"] = "EK";
  variables["AWS_SECRET_ACCESS_KEY"] = "ES";
  variables["AWS_SESSION_TOKEN"] = "ET";
  EXPECT_EQ(Keys(), "EK/ES/ET");
  alerting::Sigv4Config config;
  config.profile = "late";
  EXPECT_EQ(Keys(config), "LK/LS/");
  config.profile = "nowhere";
  EXPECT_TRUE(Keys(config).starts_with("! failed to get shared config profile, nowhere"));
  config.access_key = "CK";
  config.secret_key.value = "CS";
  EXPECT_EQ(Keys(config), "CK/CS/");
  WriteFile("elsewhere", "[default]\naws_access_key_id=OK\naws_secret_access_key=OS\n");
  variables = {{"HOME", variables["HOME"]},
               {"AWS_SHARED_CREDENTIALS_FILE", variables["HOME"] + "/elsewhere"}};
  EXPECT_EQ(Keys(), "OK/OS/");
}

TEST_F(AwsWorld, WantsARegion) {
  EXPECT_EQ(Source().Region().error().message,
            "region not configured in sns.sigv4.region or in default credentials chain");
  EXPECT_EQ(AwsCredentialSource::Endpoint("sns", "cn-north-1"),
            "https://sns.cn-north-1.amazonaws.com.cn/");
}

TEST_F(AwsWorld, TakesTheRoleOfAWebIdentity) {
  WriteFile("token", "eyJ\n");
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = variables["HOME"] + "/token";
  variables["AWS_ROLE_ARN"] = "arn:r";
  variables["AWS_REGION"] = "eu-west-1";
  variables["AWS_ENDPOINT_URL_STS"] = "http://sts.example";
  AwsCredentialSource source = Source();
  const auto request = source.Request().value();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "http://sts.example/");
  EXPECT_EQ(request->headers.Get("Authorization"), "");
  EXPECT_EQ(request->body,
            "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Ar&RoleSessionName=vigil-1770091506000"
            "&Version=2011-06-15&WebIdentityToken=eyJ");
  http::ClientResponse answer;
  answer.body = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey>";
  ASSERT_TRUE(source.Take(answer));
  EXPECT_EQ(source.Get().value().access_key, "A");
  EXPECT_FALSE(source.Request().value());
  clock.Advance(15 * 60'000);
  EXPECT_TRUE(source.Request().value());
  answer.body = "<html>";
  EXPECT_FALSE(source.Take(answer));
}

TEST_F(AwsWorld, AsksTheContainer) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://pod.example/keys";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "tok";
  variables["AWS_REGION"] = "eu-west-1";
  alerting::Sigv4Config config;
  config.role_arn = "arn:r";
  AwsCredentialSource source = Source(config);
  auto request = source.Request().value();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method + " " + request->url, "GET http://pod.example/keys");
  EXPECT_EQ(request->headers.Get("Authorization"), "tok");
  http::ClientResponse answer;
  answer.body = R"({"AccessKeyId":"PK","SecretAccessKey":"PS","Token":"PT",)"
                R"("Expiration":"2026-02-03T05:05:06Z"})";
  ASSERT_TRUE(source.Take(answer));
  // Then the role, in the container's name.
  request = source.Request().value();
  ASSERT_TRUE(request);
  EXPECT_NE(request->headers.Get("Authorization").find("Credential=PK/"), std::string_view::npos);
  EXPECT_EQ(request->headers.Get("X-Amz-Security-Token"), "PT");
  answer.body = "<AccessKeyId>RK</AccessKeyId><SecretAccessKey>RS</SecretAccessKey>";
  ASSERT_TRUE(source.Take(answer));
  EXPECT_FALSE(source.Request().value());
  EXPECT_EQ(source.Get().value().access_key, "RK");

  // Without a role they are what signs; keys of the environment go before.
  AwsCredentialSource plain = Source();
  ASSERT_TRUE(plain.Request().value());
  answer.body = R"({"AccessKeyId":"PK","SecretAccessKey":"PS"})";
  ASSERT_TRUE(plain.Take(answer));
  EXPECT_EQ(plain.Get().value().access_key, "PK");
  EXPECT_FALSE(plain.Request().value());
  clock.Advance(15 * 60'000);
  EXPECT_TRUE(plain.Request().value());
  variables["AWS_ACCESS_KEY_ID"] = "EK";
  variables["AWS_SECRET_ACCESS_KEY"] = "ES";
  EXPECT_FALSE(plain.Request().value());
  EXPECT_EQ(plain.Get().value().access_key, "EK");
}

TEST(AwsXml, FindsTexts) {
  EXPECT_EQ(XmlText("<a><b>x &lt;&amp;lt; &quot;&apos;&gt;</b></a>", "b"), "x <&lt; \"'>");
  EXPECT_EQ(XmlText("<a>", "a"), "");
  EXPECT_EQ(XmlText("<a>x</a>", "b"), "");
}

}  // namespace
}  // namespace vigil::notify
