// SPDX-License-Identifier: Apache-2.0
// Many transfers on one thread with libcurl's multi interface; one transfer for Fetch.
#include "client-lib/http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <unordered_map>
#include <vector>

#include "client-lib/http/transfer.h"

namespace vigil::http {
namespace {

// Connections kept open between requests: scrapes come back to the same targets, and libcurl's
// default (four per request under way) would close them in between.
constexpr long kKeptConnections = 8192;
constexpr size_t kKeptTransfers = 64;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class CurlAsyncClient : public AsyncClient {
 public:
  CurlAsyncClient() : spare_(NewTransfer()), multi_(curl_multi_init()) {
    CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKeptConnections);
  }

  ~CurlAsyncClient() override {
    std::vector<RequestId> ids;
    for (const auto& [id, entry] : running_) ids.push_back(id);
    for (const RequestId id : ids) Cancel(id);
    RunCompletions();
    spare_.clear();
    curl_multi_cleanup(multi_);
  }

  RequestId Start(ClientRequest request, Done done) override {
    const RequestId id = ++last_id_;
    std::unique_ptr<Transfer> transfer = TakeSpare();
    Result<void> prepared = transfer->Prepare(std::move(request));
    if (!prepared) {
      Complete(std::move(transfer), std::move(done), std::move(prepared).error());
      return id;
    }
    CHECK(curl_multi_add_handle(multi_, transfer->handle()) == CURLM_OK);
    ids_[transfer->handle()] = id;
    running_[id] = Entry{std::move(transfer), std::move(done)};
    return id;
  }

  void Cancel(RequestId id) override {
    std::optional<Entry> entry = TakeRunning(id);
    if (!entry) return;
    const std::string what = entry->transfer->Describe("context canceled");
    Complete(std::move(entry->transfer), std::move(entry->done), Canceled(what));
  }

  void Poll(int64_t max_wait_ms) override {
    const int64_t deadline = NowMs() + max_wait_ms;
    for (;;) {
      int still_running = 0;
      curl_multi_perform(multi_, &still_running);
      Collect();
      if (RunCompletions()) return;
      if (woken_.exchange(false)) return;
      const int64_t left = deadline - NowMs();
      if (left <= 0) return;
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::min<int64_t>(left, 60'000)),
                      nullptr);
    }
  }

  void Wake() override {
    woken_ = true;
    curl_multi_wakeup(multi_);
  }

  [[nodiscard]] size_t in_flight() const override { return running_.size(); }

 private:
  struct Entry {
    std::unique_ptr<Transfer> transfer;
    Done done;
  };
  struct Completion {
    Done done;
    Result<ClientResponse> result;
    std::string buffer;
  };

  static std::vector<std::unique_ptr<Transfer>> NewTransfer() {
    // The first transfer also initialises libcurl, which must come before curl_multi_init.
    std::vector<std::unique_ptr<Transfer>> one;
    one.push_back(std::make_unique<Transfer>());
    return one;
  }

  std::unique_ptr<Transfer> TakeSpare() {
    if (spare_.empty()) return std::make_unique<Transfer>();
    std::unique_ptr<Transfer> transfer = std::move(spare_.back());
    spare_.pop_back();
    return transfer;
  }

  std::optional<Entry> TakeRunning(RequestId id) {
    const auto it = running_.find(id);
    if (it == running_.end()) return std::nullopt;
    Entry entry = std::move(it->second);
    running_.erase(it);
    ids_.erase(entry.transfer->handle());
    curl_multi_remove_handle(multi_, entry.transfer->handle());
    return entry;
  }

  void Complete(std::unique_ptr<Transfer> transfer, Done done, Result<ClientResponse> result) {
    completions_.push_back({std::move(done), std::move(result), transfer->TakeBuffer()});
    if (spare_.size() < kKeptTransfers) spare_.push_back(std::move(transfer));
  }

  void Collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;  // read before removal frees the message
      const auto id = ids_.find(message->easy_handle);
      CHECK(id != ids_.end());
      std::optional<Entry> entry = TakeRunning(id->second);
      Result<ClientResponse> result = entry->transfer->Finish(code);
      Complete(std::move(entry->transfer), std::move(entry->done), std::move(result));
    }
  }

  // Callbacks may start and cancel requests: what they complete at once waits for the next round.
  bool RunCompletions() {
    if (completions_.empty()) return false;
    std::vector<Completion> batch;
    batch.swap(completions_);
    for (Completion& c : batch) c.done(std::move(c.result), std::move(c.buffer));
    return true;
  }

  std::vector<std::unique_ptr<Transfer>> spare_;
  CURLM* multi_;
  std::unordered_map<RequestId, Entry> running_;
  std::unordered_map<CURL*, RequestId> ids_;
  std::vector<Completion> completions_;
  RequestId last_id_ = 0;
  std::atomic<bool> woken_{false};
};

}  // namespace

std::unique_ptr<AsyncClient> AsyncClient::Create() { return std::make_unique<CurlAsyncClient>(); }

Result<ClientResponse> Fetch(ClientRequest request) {
  Transfer transfer;
  TRY(transfer.Prepare(std::move(request)));
  return transfer.Finish(curl_easy_perform(transfer.handle()));
}

}  // namespace vigil::http
