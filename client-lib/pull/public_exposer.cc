// SPDX-License-Identifier: Apache-2.0
// The installed class: errors become exceptions here and nowhere else, as prometheus-cpp's users
// expect.
#include <algorithm>
#include <stdexcept>

#include "client-lib/include/vigil/exposer.h"
#include "client-lib/pull/exposer.h"

namespace vigil {
namespace {

// prometheus-cpp takes a bare port and several addresses with commas.
std::vector<std::string> SplitAddresses(const std::string& text) {
  std::vector<std::string> addresses;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    addresses.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return addresses;
}

Result<std::unique_ptr<pull::Exposer>> Start(const ExposerOptions& options) {
  http::ServerOptions server;
  for (const std::string& address : options.listen_addresses) {
    const bool bare = address.find(':') == std::string::npos;
    server.listen_addresses.push_back(bare ? ":" + address : address);
  }
  server.threads = static_cast<int>(options.threads);
  if (!options.cert_file.empty() || !options.key_file.empty()) {
    server.tls = std::make_unique<http::TlsOptions>();
    server.tls->cert_file = options.cert_file;
    server.tls->key_file = options.key_file;
  }
  return pull::Exposer::Start(std::move(server));
}

}  // namespace

struct Exposer::State {
  std::unique_ptr<pull::Exposer> exposer;
};

Exposer::Exposer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Exposer::~Exposer() = default;

Exposer::Exposer(const std::string& bind_address, std::size_t threads)
    : Exposer(ExposerOptions{SplitAddresses(bind_address), threads, {}, {}}) {}

Exposer::Exposer(const ExposerOptions& options) : state_(std::make_unique<State>()) {
  Result<std::unique_ptr<pull::Exposer>> started = Start(options);
  if (!started) throw std::runtime_error(started.error().message);
  state_->exposer = *std::move(started);
}

std::unique_ptr<Exposer> Exposer::TryCreate(const ExposerOptions& options, std::string* error) {
  Result<std::unique_ptr<pull::Exposer>> started = Start(options);
  if (!started) {
    if (error != nullptr) *error = started.error().message;
    return nullptr;
  }
  auto state = std::make_unique<State>();
  state->exposer = *std::move(started);
  return std::unique_ptr<Exposer>(new Exposer(std::move(state)));
}

void Exposer::RegisterCollectable(const std::weak_ptr<prometheus::Collectable>& collectable,
                                  const std::string& uri) {
  state_->exposer->Register(collectable, uri);
}

void Exposer::RemoveCollectable(const std::weak_ptr<prometheus::Collectable>& collectable,
                                const std::string& uri) {
  state_->exposer->Remove(collectable, uri);
}

void Exposer::RegisterAuth(std::function<bool(const std::string&, const std::string&)> allow,
                           const std::string& realm, const std::string& uri) {
  state_->exposer->SetAuth(uri, realm, std::move(allow));
}

std::vector<int> Exposer::GetListeningPorts() const { return state_->exposer->ports(); }

}  // namespace vigil
