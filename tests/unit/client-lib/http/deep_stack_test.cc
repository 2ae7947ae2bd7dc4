// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/deep_stack.h"

#include <gtest/gtest.h>

#include "client-lib/http/client.h"
#include "client-lib/http/server.h"

namespace vigil::http {
namespace {

// Touches a megabyte of stack, ten times what CivetWeb's own threads have.
int Deep(int levels) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(levels);
  if (levels == 0) return frame[0];
  return Deep(levels - 1) + (frame[0] != static_cast<char>(levels) ? 1 : 0);
}

TEST(DeepStack, RunsOneWorkAfterTheOther) {
  DeepStack stack;
  int sum = 0;
  for (int i = 1; i <= 1000; ++i) stack.Run([&] { sum += i; });
  EXPECT_EQ(sum, 500500);
}

TEST(DeepStack, HandlersOfTheServerMayNestDeeply) {
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  auto server = Server::Start(std::move(options), [](const Request&) {
    return Response::Text(200, std::to_string(Deep(1000)));
  });
  ASSERT_TRUE(server.has_value());
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string((*server)->ports()[0]) + "/";
  auto answer = Fetch(std::move(request));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "0");
}

}  // namespace
}  // namespace vigil::http
