// SPDX-License-Identifier: Apache-2.0
// Serves the metrics of a program over HTTP: put any prometheus-cpp Registry or Collectable in, and
// let a Prometheus-compatible server scrape it.
//
//   vigil::Exposer exposer("127.0.0.1:8080");
//   auto registry = std::make_shared<prometheus::Registry>();
//   exposer.RegisterCollectable(registry);
#pragma once

#include <prometheus/collectable.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#if defined(__GNUC__)
#define VIGIL_EXPORT __attribute__((visibility("default")))
#else
#define VIGIL_EXPORT
#endif

namespace vigil {

struct ExposerOptions {
  // "127.0.0.1:8080", ":8080" or "8080" (all IPv4 addresses), port 0 for a free one.
  std::vector<std::string> listen_addresses;
  // A connection holds one while it is open.
  std::size_t threads = 2;
  // PEM files; set both to serve HTTPS. They are read again when they change.
  std::string cert_file;
  std::string key_file;
};

// Works like prometheus::Exposer and can take its place; the pages are correct where
// prometheus-cpp's are not (HELP is escaped, numbers read back exactly), sorted, compressed when
// the client accepts it, and scrapes run side by side.
// Threads: any.
class VIGIL_EXPORT Exposer {
 public:
  // Listens at once. Throws std::runtime_error when that is not possible; TryCreate does not.
  explicit Exposer(const std::string& bind_address, std::size_t threads = 2);
  explicit Exposer(const ExposerOptions& options);
  // Null on failure, with the reason in *error when given.
  static std::unique_ptr<Exposer> TryCreate(const ExposerOptions& options,
                                            std::string* error = nullptr);
  ~Exposer();
  Exposer(const Exposer&) = delete;
  Exposer& operator=(const Exposer&) = delete;

  // The caller keeps the collectable alive; when it dies it simply no longer appears. Families of
  // one name from several collectables of one URI are joined.
  void RegisterCollectable(const std::weak_ptr<prometheus::Collectable>& collectable,
                           const std::string& uri = "/metrics");
  void RemoveCollectable(const std::weak_ptr<prometheus::Collectable>& collectable,
                         const std::string& uri = "/metrics");
  // Asks for HTTP basic auth at the URI; allow decides by user and password.
  void RegisterAuth(std::function<bool(const std::string&, const std::string&)> allow,
                    const std::string& realm = "Exposer", const std::string& uri = "/metrics");
  std::vector<int> GetListeningPorts() const;

 private:
  struct State;
  explicit Exposer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vigil
