// SPDX-License-Identifier: Apache-2.0
// /api/v2: Alertmanager's API over the alerting of this server. Shapes, codes and texts are
// upstream's.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/http/message.h"
#include "server/alerting/service.h"
#include "server/web/alert_listing.h"

namespace vigil::web {

// The servers that share the database.
struct ClusterStatus {
  struct Peer {
    std::string name;     // host:port
    std::string address;  // where it is reached: host:port
  };
  std::string name;  // of this server; empty: it is alone
  std::vector<Peer> peers;
};

// Threads: any.
class AlertmanagerApi {
 public:
  // A path and what is behind it.
  struct Endpoint {
    std::string_view path;     // "/api/v2/alerts"
    std::string_view methods;  // "GET,POST"
    http::Response (AlertmanagerApi::*handle)(const http::Request&) const;
  };

  // service: null when alerting is off; every path then says so.
  // cluster: null when the server is alone. silenced: whether another server notifies in its place,
  // so that alerts must not be taken; null: never.
  AlertmanagerApi(alerting::AlertingService* service, const Clock& clock,
                  std::function<ClusterStatus()> cluster = nullptr,
                  std::function<bool()> silenced = nullptr)
      : service_(service),
        clock_(clock),
        cluster_(std::move(cluster)),
        silenced_(std::move(silenced)),
        started_at_(clock.Now()) {}

  static std::span<const Endpoint> Endpoints();
  // Every method of the endpoint's path comes here.
  [[nodiscard]] http::Response Handle(const Endpoint& endpoint, const http::Request& request) const;
  // Any other path below /api/v2.
  [[nodiscard]] http::Response HandleRest(const http::Request& request) const;

 private:
  http::Response Status(const http::Request& request) const;
  http::Response Receivers(const http::Request& request) const;
  http::Response Alerts(const http::Request& request) const;
  http::Response AlertGroups(const http::Request& request) const;
  http::Response AllSilences(const http::Request& request) const;
  http::Response OneSilence(const http::Request& request) const;

  // How filters are read.
  [[nodiscard]] alerting::MatcherMode Mode() const;
  http::Response PostAlerts(const http::Request& request) const;
  http::Response PostSilence(const http::Request& request) const;
  http::Response ListAlerts(const http::Request& request, size_t (AlertListing::*load)(),
                            const std::function<void(AlertListing&, JsonWriter&)>& write) const;

  alerting::AlertingService* const service_;
  const Clock& clock_;
  const std::function<ClusterStatus()> cluster_;
  const std::function<bool()> silenced_;
  const TimestampMs started_at_;
};

}  // namespace vigil::web
