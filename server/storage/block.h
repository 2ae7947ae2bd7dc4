// SPDX-License-Identifier: Apache-2.0
// A span of time whose chunks the database keeps together.
#pragma once

#include <cstdint>
#include <string>

#include "client-lib/model/sample.h"

namespace vigil::storage {

struct Block {
  std::string name;          // of the table
  TimestampMs min_time = 0;  // chunks begin within [min_time, end_time)
  TimestampMs end_time = 0;
  int64_t chunks = 0;
  int64_t samples = 0;
  int32_t rewritten = 0;  // how often: compacted, or deleted from
};

}  // namespace vigil::storage
