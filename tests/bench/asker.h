// SPDX-License-Identifier: Apache-2.0
// Asks one URL over and over and measures how long answers take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::bench {

struct Asked {
  std::vector<double> took_ms;  // sorted
  double seconds = 0;           // all of it
  size_t bytes = 0;             // of the last answer's body
};

// Keeps `connections` GETs under way for a while (0: one each), on connections that stay open. What
// is measured is to be the server: requests are one write of bytes made beforehand, answers are
// counted where they are read into and not kept, so that the client costs a few microseconds and
// keeps up with large answers. Encodings are not asked for.
// url: "http://1.2.3.4:9090/path?query". Answers other than 200 are errors.
Result<Asked> AskRepeatedly(const std::string& url, size_t connections, uint64_t milliseconds);

}  // namespace vigil::bench
