// SPDX-License-Identifier: Apache-2.0
// The sending side of remote write 1.0: prometheus.WriteRequest messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::remote {

// The labels of a series as the message has them: encode once, use with every request.
std::string EncodeLabels(const Labels& labels);

// Collects one request.
// Threads: owner thread only.
class WriteEncoder {
 public:
  // labels as EncodeLabels() gave them; columns of equal length.
  void Add(std::string_view labels, std::span<const TimestampMs> times,
           std::span<const double> values);
  // The body so far, compressed with snappy; begins the next one.
  std::string Take();
  [[nodiscard]] size_t size_bytes() const { return message_.size(); }  // not compressed

 private:
  std::string message_;
  std::string series_;  // reused
};

}  // namespace vigil::remote
