// SPDX-License-Identifier: Apache-2.0
// `vigilctl query analyze`: how the buckets of histograms are used over a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/json_value.h"
#include "client-lib/base/result.h"

namespace vigil::cli {

// A line per histogram of the result of a range selector, classic ones by their _bucket series,
// then what all of them have in common. Histograms with less than two samples are left out.
// Threads: owner thread only.
class BucketAnalysis {
 public:
  // `result` is a matrix. bad_data when classic buckets do not have the same times.
  Result<void> Add(const JsonValue& result);
  [[nodiscard]] std::string Text() const;

 private:
  struct Usage {
    int64_t least = INT64_MAX;
    int64_t most = 0;
    int64_t sum = 0;
    void Take(int64_t number);
  };
  // Of one histogram.
  struct Statistics {
    Usage changed;    // buckets from one sample to the next
    Usage delta;      // what they changed by, together
    Usage populated;  // buckets that are not empty
    int64_t steps = 0;
    int64_t buckets = 0;
  };
  struct Distribution {
    Usage usage;
    int64_t count = 0;
    void Take(int64_t number);
    [[nodiscard]] std::string Text() const;
  };

  Result<void> AddClassic(const std::string& name, std::vector<const JsonValue*> series);
  void AddNative(const JsonValue& series);
  void Finish(const std::string& name, const Statistics& statistics);

  std::string lines_;
  Distribution all_[10];
};

// The command; args are the words behind `query analyze`. The exit code.
int RunAnalyze(const std::vector<std::string>& args);

}  // namespace vigil::cli
