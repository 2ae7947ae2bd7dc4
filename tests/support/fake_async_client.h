// SPDX-License-Identifier: Apache-2.0
// An HTTP client that answers what the test says, when the test says so.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/http/client.h"

namespace vigil::testing_support {

// Threads: owner thread only, except Wake().
class FakeAsyncClient : public http::AsyncClient {
 public:
  using Answer = std::function<Result<http::ClientResponse>(const http::ClientRequest&)>;

  // What the web says, as an exposition page with status 200.
  static Answer Page(std::string text, std::string content_type = "text/plain; version=0.0.4") {
    return [=](const http::ClientRequest&) -> Result<http::ClientResponse> {
      http::ClientResponse response;
      response.status = 200;
      response.content_type = content_type;
      response.body = text;
      return response;
    };
  }
  static Answer Fail(Error error) {
    return [=](const http::ClientRequest&) -> Result<http::ClientResponse> { return error; };
  }

  ~FakeAsyncClient() override {
    for (auto& [id, running] : std::exchange(running_, {})) {
      running.second(Canceled("the client is gone"), std::string());
    }
  }

  RequestId Start(http::ClientRequest request, Done done) override {
    started.push_back(request);
    running_[++last_id_] = {std::move(request), std::move(done)};
    return last_id_;
  }
  void Cancel(RequestId id) override {
    auto found = running_.find(id);
    if (found == running_.end()) return;
    canceled_.push_back(std::move(found->second));
    running_.erase(found);
  }
  void Poll(int64_t max_wait_ms) override {
    last_wait_ms = max_wait_ms;
    for (auto& [request, done] : std::exchange(canceled_, {})) {
      done(Canceled("canceled"), std::move(request.body_buffer));
    }
    if (!answer) return;
    for (auto& [id, running] : std::exchange(running_, {})) {
      running.second(answer(running.first), std::move(running.first.body_buffer));
    }
  }
  void Wake() override {}
  [[nodiscard]] size_t in_flight() const override { return running_.size(); }

  // Null: requests stay on their way.
  Answer answer;
  std::vector<http::ClientRequest> started;
  int64_t last_wait_ms = -1;

 private:
  std::map<RequestId, std::pair<http::ClientRequest, Done>> running_;
  std::vector<std::pair<http::ClientRequest, Done>> canceled_;
  RequestId last_id_ = 0;
};

}  // namespace vigil::testing_support
