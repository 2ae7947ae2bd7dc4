// SPDX-License-Identifier: Apache-2.0
// The web config file at work: who may pass, and with which headers the answer goes out.
#include <crypt.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>

#include "client-lib/base/log.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/strings.h"
#include "exporters/toolkit/web_config.h"

namespace vigil::toolkit {
namespace {

constexpr size_t kRemembered = 100;

// Takes the same time wherever the texts differ.
bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

std::string FingerprintOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return "missing";
  return std::to_string(info.st_ino) + "," + std::to_string(info.st_size) + "," +
         std::to_string(info.st_mtim.tv_sec) + "," + std::to_string(info.st_mtim.tv_nsec);
}

// Verdicts on credentials seen before: bcrypt takes tens of milliseconds, a scrape comes every few
// seconds. Good and bad ones apart, so that guessing does not push out the good.
class CredentialCache {
 public:
  // 1 good, 0 bad, -1 not known.
  int Find(std::string_view key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    int verdict = -1;
    for (const std::string& k : good_) verdict = SameSecret(k, key) ? 1 : verdict;
    for (const std::string& k : bad_) verdict = SameSecret(k, key) ? 0 : verdict;
    return verdict;
  }
  void Remember(std::string key, bool good) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::deque<std::string>& list = good ? good_ : bad_;
    if (list.size() >= kRemembered) list.pop_front();
    list.push_back(std::move(key));
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> good_;
  std::deque<std::string> bad_;
};

// Tokens drop in at a rate; each request takes one.
class TokenBucket {
 public:
  void Configure(int64_t interval_ms, int64_t burst, int64_t now_ns) {
    interval_ns_ = interval_ms * 1'000'000;
    burst_ = burst;
    tokens_ = static_cast<double>(burst);
    last_ns_ = now_ns;
  }
  bool Take(int64_t now_ns) {
    if (interval_ns_ == 0) return true;
    const std::lock_guard<std::mutex> lock(mutex_);
    const double earned =
        static_cast<double>(now_ns - last_ns_) / static_cast<double>(interval_ns_);
    tokens_ = std::min(static_cast<double>(burst_), tokens_ + std::max(0.0, earned));
    last_ns_ = now_ns;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  std::mutex mutex_;  // guards tokens_ and last_ns_
  int64_t interval_ns_ = 0;
  int64_t burst_ = 0;
  double tokens_ = 0;
  int64_t last_ns_ = 0;
};

struct Credentials {
  std::string user;
  std::string password;
};

std::optional<Credentials> BasicCredentials(const http::Request& request) {
  const std::string_view header = request.headers.Get("Authorization");
  if (header.size() < 6 || !EqualsIgnoreCase(header.substr(0, 6), "Basic ")) return std::nullopt;
  const Result<std::string> decoded = Base64Decode(TrimSpace(header.substr(6)));
  if (!decoded) return std::nullopt;
  const size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

// A hash that costs as much as the others and that no password has: whether a user exists must not
// show in the time an answer takes.
std::string DummyHash(const WebConfig& config) {
  const std::string cost = config.basic_auth_users.begin()->second.substr(4, 2);
  return "$2b$" + cost + "$" + std::string(53, '.');
}

// The file as it was at one moment: its configuration, or what is wrong with it.
struct Snapshot {
  std::string fingerprint;
  Result<WebConfig> config = WebConfig();
};

}  // namespace

bool BcryptMatches(const std::string& password, const std::string& hash) {
  if (password.find('\0') != std::string::npos) return false;  // crypt would stop reading there
  const auto work = std::make_unique<crypt_data>();
  const char* computed = crypt_r(password.c_str(), hash.c_str(), work.get());
  return computed != nullptr && computed[0] != '*' && SameSecret(computed, hash);
}

struct WebGate::State {
  std::string path;
  const Clock* clock = nullptr;
  bool started_with_tls = false;
  http::TlsOptions tls;
  std::mutex reload_mutex;  // one thread reads a changed file
  Guarded<std::shared_ptr<const Snapshot>> snapshot;
  TokenBucket bucket;
  std::mutex bcrypt_mutex;  // one at a time: a flood of guesses keeps one core busy, not all
  CredentialCache cache;

  std::shared_ptr<const Snapshot> Current();
  void LogReload(const Snapshot& fresh) const;
  bool Allowed(const WebConfig& config, const http::Request& request);
  bool Verify(const std::string& hash, const Credentials& given);
};

std::shared_ptr<const Snapshot> WebGate::State::Current() {
  std::shared_ptr<const Snapshot> now = snapshot.Copy();
  if (path.empty() || FingerprintOf(path) == now->fingerprint) return now;
  const std::lock_guard<std::mutex> lock(reload_mutex);
  now = snapshot.Copy();
  const std::string print = FingerprintOf(path);
  if (print == now->fingerprint) return now;
  const auto fresh = std::make_shared<const Snapshot>(Snapshot{print, WebConfig::Load(path)});
  LogReload(*fresh);
  snapshot.Set(fresh);
  return fresh;
}

void WebGate::State::LogReload(const Snapshot& fresh) const {
  if (!fresh.config) {
    log::Error("web", "the web config file became invalid; every request is answered with 500",
               {{"err", fresh.config.error()}});
    return;
  }
  log::Info("web", "web config file reloaded", {{"file", path}});
  if (fresh.config->tls_enabled != started_with_tls ||
      (started_with_tls && !(fresh.config->tls == tls))) {
    log::Warn("web", "changed TLS settings take effect at the next start", {{"file", path}});
  }
}

bool WebGate::State::Verify(const std::string& hash, const Credentials& given) {
  std::string key = given.user + '\0' + hash + '\0' + given.password;
  int verdict = cache.Find(key);
  if (verdict < 0) {
    const std::lock_guard<std::mutex> lock(bcrypt_mutex);
    verdict = cache.Find(key);  // a burst of equal requests waits for the first
    if (verdict < 0) {
      verdict = BcryptMatches(given.password, hash) ? 1 : 0;
      cache.Remember(std::move(key), verdict == 1);
    }
  }
  return verdict == 1;
}

bool WebGate::State::Allowed(const WebConfig& config, const http::Request& request) {
  if (config.basic_auth_users.empty()) return true;
  const std::optional<Credentials> given = BasicCredentials(request);
  if (!given) return false;
  const auto user = config.basic_auth_users.find(given->user);
  const bool known = user != config.basic_auth_users.end();
  const bool match = Verify(known ? user->second : DummyHash(config), *given);
  return known && match;
}

WebGate::WebGate(std::unique_ptr<State> state) : state_(std::move(state)) {}
WebGate::~WebGate() = default;

Result<std::unique_ptr<WebGate>> WebGate::Open(const std::string& path, const Clock& clock) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->clock = &clock;
  Snapshot first;
  if (!path.empty()) {
    first.fingerprint = FingerprintOf(path);
    first.config = TRY(WebConfig::Load(path));
    for (const std::string& warning : first.config->warnings) {
      log::Warn("web", warning, {{"file", path}});
    }
    state->started_with_tls = first.config->tls_enabled;
    state->tls = first.config->tls;
    state->bucket.Configure(first.config->rate_limit_interval_ms, first.config->rate_limit_burst,
                            clock.MonotonicNs());
  }
  state->snapshot.Set(std::make_shared<const Snapshot>(std::move(first)));
  return std::unique_ptr<WebGate>(new WebGate(std::move(state)));
}

std::unique_ptr<http::Response> WebGate::Before(const http::Request& request) {
  const std::shared_ptr<const Snapshot> now = state_->Current();
  const auto answer = [](int status, std::string text) {
    return std::make_unique<http::Response>(http::Response::Text(status, std::move(text)));
  };
  if (!now->config) return answer(500, "the web config file is invalid; see the server's log\n");
  if (!state_->bucket.Take(state_->clock->MonotonicNs())) {
    return answer(429, "Too Many Requests\n");
  }
  if (state_->Allowed(*now->config, request)) return nullptr;
  std::unique_ptr<http::Response> denied = answer(401, "Unauthorized\n");
  denied->headers.Set("WWW-Authenticate", "Basic");
  return denied;
}

void WebGate::After(const http::Request&, http::Response* response) {
  const std::shared_ptr<const Snapshot> now = state_->snapshot.Copy();
  if (!now->config) return;
  for (const auto& [name, value] : now->config->headers) response->headers.Set(name, value);
}

std::unique_ptr<http::TlsOptions> WebGate::TlsOptions() const {
  if (!state_->started_with_tls) return nullptr;
  return std::make_unique<http::TlsOptions>(state_->tls);
}

}  // namespace vigil::toolkit
