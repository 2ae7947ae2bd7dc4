// SPDX-License-Identifier: Apache-2.0
// Any bytes as an uncompressed remote read request; any columns of floats as a chunk.
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "server/remote/read_chunks.h"
#include "server/remote/read_request.h"
#include "tests/support/slow_tsdb_chunks.h"

namespace {

void CheckChunk(std::string_view bytes) {
  std::vector<vigil::TimestampMs> times;
  std::vector<double> values;
  for (; bytes.size() >= 16 && times.size() < 1000; bytes.remove_prefix(16)) {
    uint64_t time = 0;
    double value = 0;
    std::memcpy(&time, bytes.data(), 8);
    std::memcpy(&value, bytes.data() + 8, 8);
    // Times of a store lie far from the ends of the range; their order does not matter here.
    times.push_back(static_cast<vigil::TimestampMs>(time >> 3));
    values.push_back(value);
  }
  if (times.empty()) return;
  const auto read = vigil::testing::DecodeXorChunk(vigil::remote::EncodeXorChunk(times, values));
  if (read.size() != times.size()) std::abort();
  for (size_t i = 0; i < read.size(); ++i) {
    if (read[i].timestamp != times[i] || !vigil::SameBits(read[i].value, values[i])) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckChunk(bytes);
  const auto request = vigil::remote::DecodeReadRequest(bytes);
  if (!request) return 0;
  static_cast<void>(vigil::remote::NegotiateResponseType(request->accepted_types).has_value());
  const vigil::Labels external = vigil::Labels::Of({{"a", "b"}});
  for (const auto& query : request->queries) {
    const auto matchers = vigil::remote::StoredMatchers(query, external);
    if (matchers && matchers->size() != query.matchers.size()) std::abort();
  }
  return 0;
}
