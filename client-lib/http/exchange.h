// SPDX-License-Identifier: Apache-2.0
// One request read from, and one response written to, a CivetWeb connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/compression.h"
#include "client-lib/http/message.h"

struct mg_connection;

namespace vigil::http {

// A few compressors kept for reuse: each holds a quarter of a megabyte and more.
// Threads: any.
class CompressorPool {
 public:
  std::unique_ptr<Compressor> Take();
  void Return(std::unique_ptr<Compressor> compressor);

 private:
  static constexpr size_t kKept = 2;
  Guarded<std::vector<std::unique_ptr<Compressor>>> idle_;
};

// Method, path, query, headers and peer, without the body.
Request ReadHead(const mg_connection* connection);

enum class BodyResult { kOk, kTooLarge, kBroken };
// The whole body into *body; answers `Expect: 100-continue`.
BodyResult ReadBody(mg_connection* connection, const Headers& headers, size_t max_bytes,
                    std::string* body);

// How an answer is sent.
struct SendOptions {
  bool keep_alive = false;  // else the connection ends after this answer
  // Of all of it, unless it is a stream of events: so long, and longer the more it is.
  int64_t timeout_ms = 0;
  int64_t bytes_per_second = 1;
};

// Compresses what is worth it, writes head and body. True when the client took everything in time.
bool WriteResponse(mg_connection* connection, const Request& request, Response response,
                   const SendOptions& options, CompressorPool* compressors);

// Whether the end of the connection is all that tells where a stream ends.
bool EndsWithConnection(const mg_connection* connection, const Response& response);

}  // namespace vigil::http
