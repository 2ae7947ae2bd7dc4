// SPDX-License-Identifier: Apache-2.0
// The gateway: its flags, routes and handlers around the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/http/message.h"
#include "client-lib/http/server.h"
#include "exporters/toolkit/app.h"
#include "pushgateway/group_store.h"
#include "pushgateway/request_counts.h"

namespace vigil::pushgateway {

struct GatewayOptions {
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  std::string persistence_file;
  int64_t persistence_interval_ms = 300'000;
  bool disable_consistency_check = false;
  bool enable_utf8_names = false;

  void AddTo(toolkit::FlagSet* flags);
  // bad_data: a flag asks for what is not there.
  [[nodiscard]] Result<void> Check() const;
};

// Threads: AddRoutes owner thread only, before serving; the handlers any.
class Gateway {
 public:
  // The clock must outlive the gateway.
  explicit Gateway(const GatewayOptions& options, const Clock& clock = Clock::System());

  // All routes but health and readiness, which the app has. The gateway must outlive the app's
  // serving.
  void AddRoutes(toolkit::App* app);

  // The handlers, for tests too.
  http::Response Push(const http::Request& request);
  http::Response Delete(const http::Request& request);
  http::Response Wipe();
  // own: the process's own samples as text.
  [[nodiscard]] http::Response Metrics(std::string_view own) const;
  [[nodiscard]] http::Response MetricsJson() const;
  [[nodiscard]] GroupStore& store() { return store_; }
  [[nodiscard]] const RequestCounts& counts() const { return counts_; }

 private:
  Result<void> PushOrError(const http::Request& request);
  void AddPushRoutes(toolkit::App* app);
  void AddApiRoutes(toolkit::App* app);
  http::Handler Counted(std::string name, http::Handler handler);
  [[nodiscard]] http::Response StatusJson(toolkit::App* app) const;
  [[nodiscard]] std::string OwnMetrics(toolkit::App* app) const;

  const GatewayOptions options_;
  const Clock& clock_;
  const TimestampMs start_ms_;
  GroupStore store_;
  RequestCounts counts_;
};

}  // namespace vigil::pushgateway
