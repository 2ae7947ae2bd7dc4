// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/deep_stack.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

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
  for (int i = 1; i <= 1000; ++i) EXPECT_TRUE(stack.Run([&] { sum += i; }));
  EXPECT_EQ(sum, 500500);
}

TEST(DeepStack, WorkStaysOnItsThreadAndMayCatchWhatItThrows) {
  DeepStack stack;
  const std::thread::id here = std::this_thread::get_id();
  int caught = 0;
  const bool ran = stack.Run([&] {
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_EQ(Deep(2000), 0);
    try {
      throw caught + 7;
    } catch (int thrown) {
      caught = thrown;
    }
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(caught, 7);
}

TEST(DeepStack, EachThreadHasItsOwn) {
  std::vector<std::thread> threads;
  std::atomic<int> sum = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&sum] {
      DeepStack stack;
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(stack.Run([&] { sum += 1 + Deep(100); }));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 800);
}

// More than the address space has: what strict overcommit says to less.
constexpr size_t kNoSuchStack = size_t{1} << 60;

TEST(DeepStack, SaysWhenThereIsNoRoom) {
  DeepStack stack(kNoSuchStack);
  EXPECT_FALSE(stack.Run([] { ADD_FAILURE() << "called without a stack"; }));
  EXPECT_FALSE(stack.Run([] { ADD_FAILURE() << "called without a stack"; }));
}

TEST(DeepStack, AServerWithoutRoomForStacksAnswersSo) {
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.stack_bytes = kNoSuchStack;
  bool seen = false;
  options.after = [&seen](const Request&, Response* response) { seen = response->status == 503; };
  auto server = Server::Start(std::move(options), [](const Request&) {
    ADD_FAILURE() << "called without a stack";
    return Response();
  });
  ASSERT_TRUE(server.has_value());
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string((*server)->ports()[0]) + "/";
  auto answer = Fetch(std::move(request));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 503);
  EXPECT_TRUE(seen);
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
