// SPDX-License-Identifier: Apache-2.0
// Requests and responses as plain values, for server and client.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::http {

// In order of arrival; names compare without case.
class Headers {
 public:
  void Add(std::string name, std::string value);
  void Set(std::string name, std::string value);
  // Empty when missing; the first of several.
  [[nodiscard]] std::string_view Get(std::string_view name) const;
  [[nodiscard]] bool Has(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& items() const {
    return items_;
  }
  void Clear() { items_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// Decoded query or form parameters, in order.
class Params {
 public:
  // a=1&b=%20+x. bad_data on a broken escape.
  static Result<Params> Parse(std::string_view text);
  void Add(std::string name, std::string value) {
    items_.emplace_back(std::move(name), std::move(value));
  }
  [[nodiscard]] bool Has(std::string_view name) const;
  // The first; empty when missing.
  [[nodiscard]] const std::string& Get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> All(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& items() const {
    return items_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct Request {
  std::string method;    // GET, POST, ...
  std::string path;      // percent-decoded
  std::string raw_path;  // as sent, without query: for routes that decode segments themselves
  std::string query;     // raw, without '?'
  Headers headers;
  std::string body;  // as sent; see DecodeBody
  std::string remote_address;
  int remote_port = 0;  // of the client; 0: of no connection
  int server_port = 0;
  // Parts of the path captured by the route's :names, percent-decoded.
  std::vector<std::pair<std::string, std::string>> path_values;

  [[nodiscard]] std::string_view PathValue(std::string_view name) const;
  // Those of an application/x-www-form-urlencoded body, and query parameters behind them: the body
  // wins, as in Go.
  [[nodiscard]] Result<Params> FormParams() const;
};

// Undoes Content-Encoding gzip or deflate (identity as it is). bad_data on broken data or other
// encodings, or when the result would be larger than max_bytes.
Result<std::string> DecodeBody(const Headers& headers, std::string_view body, size_t max_bytes);

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  Headers headers;
  // Set: called by the server after the headers, instead of `body`; write returns false when the
  // client has gone. Returns false when it could not write everything: the connection is then cut,
  // so that the client does not take what it got for the whole. Sent chunked; a text/event-stream
  // is sent as it is written.
  using Write = std::function<bool(std::string_view)>;
  std::function<bool(const Write&)> stream;
  // Let go of when the answer has been sent or given up.
  std::shared_ptr<const void> kept;

  static Response Text(int status, std::string body);
  static Response Html(std::string body);
};

// The standard words: 404 -> "Not Found".
std::string_view StatusText(int status);

}  // namespace vigil::http
