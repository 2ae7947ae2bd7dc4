// SPDX-License-Identifier: Apache-2.0
// A request in the list of running ones: its end, its memory, how far it has come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/disconnect_watcher.h"
#include "client-lib/http/message.h"
#include "server/promql/active_queries.h"
#include "server/promql/query_memory.h"
#include "server/remote/read_task.h"

namespace vigil::web {

// Lives as long as the request: put it into Response::kept (or what the stream holds) when the
// answer takes long to send. It is canceled by whoever cancels the query, by the end of the server,
// and when the client goes away.
// Threads: the request's.
class RunningQuery final : public remote::ReadTask {
 public:
  struct World {
    promql::ActiveQueries& active;
    http::DisconnectWatcher& clients;
    const Clock& clock;
  };
  // The references must outlive it. timeout_ms is for the work, without the sending.
  RunningQuery(const World& world, const http::Request& request, promql::QueryOrigin origin,
               promql::QueryMemory memory, int64_t timeout_ms);

  [[nodiscard]] std::stop_token stop() const override { return entry_.stop(); }
  void Describe(std::string text) override { entry_.Describe(std::move(text)); }
  void Start() override { entry_.Start(); }
  void BeginSending() override;
  Result<void> CheckAlive() override;
  Result<void> Reach(size_t bytes) override { return memory_.Reach(bytes); }
  void CountSelected(const storage::SeriesSet& set) override;
  void CountSamples(size_t samples) override;

  [[nodiscard]] promql::QueryProgress& progress() const { return entry_.progress(); }

 private:
  const Clock& clock_;
  promql::ActiveQueries::Entry entry_;
  http::DisconnectWatcher::Watch watch_;
  promql::QueryMemory memory_;
  int64_t deadline_ns_;
  const int64_t timeout_ms_;
  uint32_t calls_ = 0;
};

}  // namespace vigil::web
