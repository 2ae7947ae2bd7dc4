// SPDX-License-Identifier: Apache-2.0
#include "server/cli/receiver.h"

#include <gtest/gtest.h>

namespace vigil::cli {
namespace {

TEST(Receiver, PrintsARowForEachMessage) {
  const JsonValue results =
      ParseJson(R"([{"integration":"email","index":0,"status":"firing","result":"sent",)"
                R"("error":"","code":0,"durationSeconds":0.012},)"
                R"({"integration":"webhook","index":1,"status":"firing","result":"retry",)"
                R"("error":"no answer in time","code":0,"durationSeconds":24}])")
          .value();
  bool failed = false;
  EXPECT_EQ(PrintDrill(results, &failed),
            "Integration  Message  Result  Seconds  Error              \n"
            "email[0]     firing   sent    0.012                       \n"
            "webhook[1]   firing   failed  24       no answer in time  \n");
  EXPECT_TRUE(failed);
  EXPECT_EQ(PrintDrill(ParseJson("[]").value(), &failed), "The receiver has no integrations.\n");
  EXPECT_FALSE(failed);
}

}  // namespace
}  // namespace vigil::cli
