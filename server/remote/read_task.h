// SPDX-License-Identifier: Apache-2.0
// What a remote read is to whoever watches over the requests that run.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>

#include "client-lib/base/result.h"
#include "server/storage/storage.h"

namespace vigil::remote {

// The place of one read among the requests that run: its limits, and how far it has come. The web
// keeps the list (server/web/running_query.h).
// Threads: the one that works on the request.
class ReadTask {
 public:
  virtual ~ReadTask() = default;
  // Requested when the client has gone, somebody cancels the read, or the server ends.
  [[nodiscard]] virtual std::stop_token stop() const = 0;
  // What is read, for people.
  virtual void Describe(std::string text) = 0;
  // It has waited for its turn until now.
  virtual void Start() = 0;
  // From now on it takes the time that the client takes: the deadline of the work is over.
  virtual void BeginSending() = 0;
  // canceled or timeout once that is so. Cheap: call it per series.
  virtual Result<void> CheckAlive() = 0;
  // Execution error when the read may not hold so many bytes.
  virtual Result<void> Reach(size_t bytes) = 0;
  // For the list.
  virtual void CountSelected(const storage::SeriesSet& set) = 0;
  virtual void CountSamples(size_t samples) = 0;
};

}  // namespace vigil::remote
