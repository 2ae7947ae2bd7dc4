// SPDX-License-Identifier: Apache-2.0
// Known answers: FIPS 180-4, RFC 4231, RFC 2202.
#include "client-lib/http/digest.h"

#include <gtest/gtest.h>

namespace vigil::http {
namespace {

TEST(Digest, GivesTheKnownAnswers) {
  EXPECT_EQ(HexText(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexText(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexText(HmacMd5("Jefe", "what do ya want for nothing?")),
            "750c783e6ab0b503eaa86e310a5db738");
}

}  // namespace
}  // namespace vigil::http
