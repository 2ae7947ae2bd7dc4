// SPDX-License-Identifier: Apache-2.0
// Serves prometheus-cpp collectables at one or more paths. The public face of it is
// client-lib/include/vigil/exposer.h.
#pragma once

#include <prometheus/collectable.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/server.h"

namespace vigil::pull {

// Threads: any.
class Exposer {
 public:
  using Allow = std::function<bool(const std::string& user, const std::string& password)>;
  using WeakCollectable = std::weak_ptr<prometheus::Collectable>;

  static Result<std::unique_ptr<Exposer>> Start(http::ServerOptions options);

  // The collectable is only held weakly: when it is gone it no longer appears.
  void Register(const WeakCollectable& collectable, const std::string& path);
  void Remove(const WeakCollectable& collectable, const std::string& path);
  // Basic auth for the path.
  void SetAuth(const std::string& path, const std::string& realm, Allow allow);
  [[nodiscard]] std::vector<int> ports() const { return server_->ports(); }

 private:
  struct Endpoint {
    std::vector<WeakCollectable> collectables;
    std::string realm;
    Allow allow;  // null: open to all
  };

  Exposer() = default;
  http::Response Answer(const http::Request& request) const;
  void Change(const std::string& path, const std::function<void(Endpoint*)>& change);

  Guarded<std::map<std::string, std::shared_ptr<const Endpoint>>> endpoints_;
  std::unique_ptr<http::Server> server_;  // last: its threads use the rest
};

}  // namespace vigil::pull
