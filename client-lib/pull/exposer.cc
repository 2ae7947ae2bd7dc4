// SPDX-License-Identifier: Apache-2.0
// One request is one collection: no lock is held while it runs, so scrapes do not wait for each
// other.
#include "client-lib/pull/exposer.h"

#include <prometheus/metric_family.h>

#include <iterator>
#include <unordered_map>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/text_writer.h"

namespace vigil::pull {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

bool SameObject(const std::weak_ptr<prometheus::Collectable>& a,
                const std::weak_ptr<prometheus::Collectable>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

// Families of one name and type may come from several collectables; a page may hold each once.
void Join(Families&& more, std::unordered_map<std::string, size_t>* index, Families* all) {
  for (prometheus::MetricFamily& family : more) {
    const auto [it, fresh] = index->emplace(family.name, all->size());
    if (fresh) {
      all->push_back(std::move(family));
    } else if ((*all)[it->second].type == family.type) {
      auto& metrics = (*all)[it->second].metric;
      metrics.insert(metrics.end(), std::make_move_iterator(family.metric.begin()),
                     std::make_move_iterator(family.metric.end()));
    }
  }
}

Families CollectAll(const std::vector<std::weak_ptr<prometheus::Collectable>>& collectables) {
  Families all;
  std::unordered_map<std::string, size_t> index;
  for (const auto& weak : collectables) {
    const auto collectable = weak.lock();
    if (collectable == nullptr) continue;
    if (collectables.size() == 1) return collectable->Collect();
    Join(collectable->Collect(), &index, &all);
  }
  return all;
}

bool Allowed(const std::function<bool(const std::string&, const std::string&)>& allow,
             std::string_view header) {
  if (header.size() < 6 || !EqualsIgnoreCase(header.substr(0, 6), "Basic ")) return false;
  const Result<std::string> decoded = Base64Decode(TrimSpace(header.substr(6)));
  if (!decoded) return false;
  const size_t colon = decoded->find(':');
  return colon != std::string::npos && allow(decoded->substr(0, colon), decoded->substr(colon + 1));
}

}  // namespace

Result<std::unique_ptr<Exposer>> Exposer::Start(http::ServerOptions options) {
  std::unique_ptr<Exposer> exposer(new Exposer());
  exposer->server_ = TRY(http::Server::Start(
      std::move(options),
      [self = exposer.get()](const http::Request& request) { return self->Answer(request); }));
  return exposer;
}

http::Response Exposer::Answer(const http::Request& request) const {
  const std::shared_ptr<const Endpoint> endpoint = endpoints_.With([&](const auto& endpoints) {
    const auto it = endpoints.find(request.path);
    return it == endpoints.end() ? nullptr : it->second;
  });
  if (endpoint == nullptr) return http::Response::Text(404, "404 page not found\n");
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response response = http::Response::Text(405, "Method Not Allowed\n");
    response.headers.Set("Allow", "GET, HEAD");
    return response;
  }
  if (endpoint->allow && !Allowed(endpoint->allow, request.headers.Get("Authorization"))) {
    http::Response response = http::Response::Text(401, "Unauthorized\n");
    response.headers.Set("WWW-Authenticate", "Basic realm=" + Quote(endpoint->realm));
    return response;
  }
  http::Response response;
  response.content_type = std::string(exposition::kTextContentType);
  response.body =
      exposition::WriteText(CollectAll(endpoint->collectables), exposition::Order::kSorted);
  return response;
}

// Endpoints are immutable; a change replaces one, and running scrapes keep the old.
void Exposer::Change(const std::string& path, const std::function<void(Endpoint*)>& change) {
  endpoints_.With([&](auto& endpoints) {
    std::shared_ptr<const Endpoint>& slot = endpoints[path];
    auto copy = slot == nullptr ? std::make_shared<Endpoint>() : std::make_shared<Endpoint>(*slot);
    change(copy.get());
    slot = std::move(copy);
  });
}

void Exposer::Register(const WeakCollectable& collectable, const std::string& path) {
  Change(path, [&](Endpoint* endpoint) {
    std::erase_if(endpoint->collectables, [](const auto& weak) { return weak.expired(); });
    endpoint->collectables.push_back(collectable);
  });
}

void Exposer::Remove(const WeakCollectable& collectable, const std::string& path) {
  Change(path, [&](Endpoint* endpoint) {
    std::erase_if(endpoint->collectables,
                  [&](const auto& weak) { return SameObject(weak, collectable); });
  });
}

void Exposer::SetAuth(const std::string& path, const std::string& realm, Allow allow) {
  Change(path, [&](Endpoint* endpoint) {
    endpoint->realm = realm;
    endpoint->allow = std::move(allow);
  });
}

}  // namespace vigil::pull
