// SPDX-License-Identifier: Apache-2.0
// One exchange with a server on a libcurl easy handle: set up, receive, verdict.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "client-lib/http/compression.h"

namespace vigil::http {

// Reusable: keeps its handle, its decompressor and their memory from one request to the next.
// Threads: owner thread only. Must not move while a request runs: libcurl points into it.
class Transfer {
 public:
  Transfer();
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // bad_data when the request cannot be sent as it is (no such scheme, ...).
  Result<void> Prepare(ClientRequest request);
  [[nodiscard]] CURL* handle() const { return handle_; }
  // After libcurl is done with the handle.
  Result<ClientResponse> Finish(CURLcode code);
  // The buffer for the answer's body, when Finish did not give it away.
  std::string TakeBuffer() { return std::move(response_.body); }
  // Go's words for an error of this request: `Get "http://...": <what>`.
  [[nodiscard]] std::string Describe(const std::string& what) const;

 private:
  static size_t OnHeader(const char* data, size_t size, size_t count, void* self);
  static size_t OnBody(const char* data, size_t size, size_t count, void* self);
  void SetMethodAndBody();
  void SetHeaders();
  Result<void> SetTarget();
  void SetTls(const ClientOptions& options);
  void SetProxy(const ClientOptions& options);
  void StartBody();
  Result<void> Decompress();
  [[nodiscard]] Error Verdict(CURLcode code) const;
  [[nodiscard]] std::string ConnectReason() const;
  [[nodiscard]] size_t limit() const;

  CURL* handle_;
  curl_slist* header_list_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  curl_slist* proxy_headers_ = nullptr;
  ClientRequest request_;
  ClientResponse response_;
  char reason_[CURL_ERROR_SIZE] = {};
  Inflater inflater_;
  std::string compressed_;  // the body as it comes, its capacity kept for the next
  enum class Coding { kUndecided, kIdentity, kGzip, kDeflate } coding_ = Coding::kUndecided;
  bool over_limit_ = false;
  std::string body_error_;  // a broken compressed body
};

}  // namespace vigil::http
