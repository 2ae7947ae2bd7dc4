// SPDX-License-Identifier: Apache-2.0
// The examples of AWS's own documentation and test suite (aws-sig-v4-test-suite).
#include "client-lib/http/aws_sigv4.h"

#include <gtest/gtest.h>

namespace vigil::http {
namespace {

constexpr TimestampMs kSigningTime = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
const AwsCredentials kSigner{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

std::string SignatureOf(ClientRequest request, const std::string& service = "service") {
  SignAwsRequest(kSigner, "us-east-1", service, kSigningTime, &request);
  return std::string(request.headers.Get("Authorization"));
}

TEST(AwsSigv4, SignsThePlainRequest) {
  ClientRequest get;
  get.url = "https://example.amazonaws.com/";
  EXPECT_EQ(SignatureOf(get),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(AwsSigv4, SortsParametersAndHeaders) {
  ClientRequest get;
  get.url = "https://iam.amazonaws.com/?Version=2010-05-08&Action=ListUsers";
  get.headers.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(SignatureOf(get, "iam"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(AwsSigv4, SignsTheBodyOfAForm) {
  ClientRequest post;
  post.method = "POST";
  post.url = "https://example.amazonaws.com/";
  post.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  post.body = "Param1=value1";
  EXPECT_TRUE(SignatureOf(post).ends_with(
      "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"))
      << SignatureOf(post);
}

TEST(AwsSigv4, SignsTheSessionToken) {
  ClientRequest request;
  request.url = "https://x.amazonaws.com:443";
  SignAwsRequest({"id", "secret", "token"}, "r", "s", kSigningTime, &request);
  EXPECT_EQ(request.headers.Get("X-Amz-Security-Token"), "token");
  EXPECT_NE(request.headers.Get("Authorization").find("host;x-amz-date;x-amz-security-token"),
            std::string::npos);
  EXPECT_EQ(request.headers.Get("X-Amz-Date"), "20150830T123600Z");
}

}  // namespace
}  // namespace vigil::http
