// SPDX-License-Identifier: Apache-2.0
// When a server that stands by takes the database over: a pure function of what it saw and when.
#pragma once

#include <cstdint>

namespace vigil::cluster {

// Threads: one at a time.
class TakeoverRule {
 public:
  // An owner that reconnects to a database that was away needs so long: its longest pause between
  // two attempts and the attempt. What it has queued would be lost with it.
  static constexpr int64_t kSettleMs = 6'000;
  // A session that is gone for so long, while its lease still holds, does not come back.
  static constexpr int64_t kGoneMs = 1'000;

  // What the database says of its owner.
  struct Sight {
    int64_t epoch = 0;  // 0: nobody has owned it yet
    bool locked = false;
    int64_t lease_left_ms = 0;
    // The owner stopped in order, or is a former life of this server: nobody will come back.
    bool given_back = false;
  };

  // The database could not be asked.
  void Lost() { lost_ = true; }
  // True: take over now. An owner that gave the database back, or whose lease ran out because it
  // hangs, is replaced at once; one whose session is gone after kGoneMs. After kSettleMs only when
  // the database may have been away for its owner a moment ago: it was for this server, or this
  // server begins to look.
  bool Saw(const Sight& sight, int64_t now_ns);

 private:
  bool asked_before_ = false;
  bool lost_ = false;
  int64_t settled_at_ns_ = 0;
  int64_t gone_epoch_ = 0;  // whose session is gone; 0: of nobody
  int64_t gone_since_ns_ = 0;
};

}  // namespace vigil::cluster
