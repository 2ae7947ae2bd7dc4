// SPDX-License-Identifier: Apache-2.0
// One request read from, and one response written to, a CivetWeb connection.
#pragma once

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

// Compresses what is worth it, writes head and body. keep_alive false: the connection ends after
// this answer. True when the client took everything.
bool WriteResponse(mg_connection* connection, const Request& request, Response response,
                   bool keep_alive, CompressorPool* compressors);

}  // namespace vigil::http
