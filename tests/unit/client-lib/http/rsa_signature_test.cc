// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/rsa_signature.h"

#include <gtest/gtest.h>

#include "client-lib/base/strings.h"
#include "tests/support/test_rsa_key.h"

namespace vigil::http {
namespace {

// As `openssl dgst -shaN -sign` signs them.
TEST(RsaSignature, IsThatOfOpenssl) {
  struct Row {
    RsaHash hash;
    const char* signature;
  };
  const Row rows[] = {
      {RsaHash::kSha256,
       "cYNgjQuK7XxBcB9cc5VDsNF40E+"
       "ztzlNqgH07WiyYiYRgOE3Di3mCMiWYdPXfFhU1BhZJLmxm06IaTAqrSK9OT7yc1EkDn"
       "NqJ93Fr2LA/pqR0fBixPWDvxF5CY6mJjUQZmQ6Np/uxe3k8Yc+bN4p9GU6pQRsgJJVfe+0njaPn5k="},
      {RsaHash::kSha384,
       "b3GGswhM9qA/C+9fTIGad0+FNxis21pijs62ZmNPNB/"
       "8L0nLEj4pVbUCcVzw40ZiRC78GeM1gdqPYf3jP5Eyq5aPDhLEG3"
       "pQApS7AShrWovlixA7HyWNnxBaqs3PRd3lFvv6KjCLafMpN7eXIsmikRSCx04/XyY3iFfY0J+4b9o="},
      {RsaHash::kSha512,
       "g86ymsjYHDyEAUlGp3HHHtZpnfDKGJNdONedVrVlV05OrSqKjLiH0PA0OJCiiAzqZSsV3SVlxOJhg1jdw7KZdgXiH4n"
       "1Z4"
       "+KuHq3rdJ5frRp7V73IPSLaVsd3zhM2Ak3fLjVRo50tp8liF0MDG0RPBazzzBG3hGssoGjO05P1ZA="},
  };
  for (const Row& row : rows) {
    const auto signature = SignRsa(testing_support::kTestRsaKey, row.hash, "header.claims");
    ASSERT_TRUE(signature) << signature.error().message;
    EXPECT_EQ(Base64Encode(*signature), row.signature);
  }
}

TEST(RsaSignature, NeedsAnRsaKey) {
  const char* const kEcKey =
      "-----BEGIN EC PRIVATE KEY-----\n"
      "MHcCAQEEIB/Pl3+vNqpPhFqW7187l2bel0NjGgapZHWkTF8nSR0XoAoGCCqGSM49\n"
      "AwEHoUQDQgAEWHKW9DnPNLmH5aSyWhm+SSlcpUa+aKhJ5R2TQIUNp4IpHV9tftG4\n"
      "ZYLjExEBRjxP1++/P3sJixS+uwzaLiLXGw==\n"
      "-----END EC PRIVATE KEY-----\n";
  for (const char* key : {"", "no key", kEcKey}) {
    const auto signature = SignRsa(key, RsaHash::kSha256, "x");
    ASSERT_FALSE(signature);
    EXPECT_EQ(signature.error().kind, ErrorKind::kBadData);
  }
}

}  // namespace
}  // namespace vigil::http
