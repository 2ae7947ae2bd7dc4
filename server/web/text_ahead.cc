// SPDX-License-Identifier: Apache-2.0
// See text_ahead.h.
#include "server/web/text_ahead.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

#include "client-lib/base/clock.h"

namespace vigil::web {
namespace {

// To wake a helper for fewer parts costs more than it brings.
constexpr size_t kWorthHelp = TextAhead::kParts / 2;

// What the sender and its helpers share.
class Sending {
 public:
  explicit Sending(const TextAhead& text) : text_(text) {}

  bool SendAll() {
    std::unique_lock<std::mutex> lock(mutex_);
    bool wanted = true;
    for (size_t part = 0; part < text_.count && wanted; ++part) {
      CallHelper();
      Slot& slot = slots_[part % kSlots];
      // Rather than wait, the sender writes itself.
      while (!slot.written) {
        if (MayWrite()) {
          WriteNext(&lock);
        } else {
          changed_.wait(lock);
        }
      }
      lock.unlock();
      wanted = text_.send(slot.text);
      lock.lock();
      slot.written = false;
      sent_ = part + 1;
    }
    stop_ = true;
    // Helpers look at what is on the caller's stack.
    changed_.wait(lock, [this] { return helping_ == 0; });
    return wanted;
  }

 private:
  static constexpr size_t kSlots = TextAhead::kParts;
  struct Slot {
    std::string text;
    bool written = false;
  };

  [[nodiscard]] size_t end() const { return std::min(text_.count, sent_ + kSlots); }
  [[nodiscard]] bool MayWrite() const { return !stop_ && next_ < end(); }

  void WriteNext(std::unique_lock<std::mutex>* lock) {
    const size_t part = next_++;
    Slot& slot = slots_[part % kSlots];
    lock->unlock();
    slot.text.clear();
    text_.write(part, &slot.text);
    lock->lock();
    slot.written = true;
    changed_.notify_all();
  }

  // REQUIRES: the lock is held.
  void CallHelper() {
    if (text_.helpers == nullptr || helping_ >= text_.helpers->size()) return;
    if (next_ + kWorthHelp > end()) return;
    ++helping_;
    if (!text_.helpers->Start([this] { Help(); })) --helping_;
  }

  void Help() {
    const int64_t began_ns = text_.helper_cpu_ns == nullptr ? 0 : ThreadCpuNs();
    std::unique_lock<std::mutex> lock(mutex_);
    while (MayWrite()) WriteNext(&lock);
    if (text_.helper_cpu_ns != nullptr) *text_.helper_cpu_ns += ThreadCpuNs() - began_ns;
    --helping_;
    changed_.notify_all();
  }

  const TextAhead& text_;
  // Guards what follows, but for the texts of slots that are being written or sent.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Slot, kSlots> slots_;
  size_t next_ = 0;  // the first part nobody has begun to write
  size_t sent_ = 0;  // parts before it have been sent
  size_t helping_ = 0;
  bool stop_ = false;
};

}  // namespace

bool SendInOrder(const TextAhead& text) { return Sending(text).SendAll(); }

}  // namespace vigil::web
