// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <span>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/histogram_slots.h"

namespace vigil::chunks {
namespace {

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// The counts that a record is told by. Buckets point to nothing when all bases are 0.
struct Bases {
  double count = 0;
  double zero_count = 0;
  const double* positive = nullptr;
  const double* negative = nullptr;
  int64_t rest = 0;
};

// Calls each(value, base) for all slots but the first.
template <typename F>
void ForEachBucket(const Histogram& next, const Bases& bases, F&& each) {
  each(next.zero_count, bases.zero_count);
  for (size_t i = 0; i < next.positive_buckets.size(); ++i) {
    each(next.positive_buckets[i], bases.positive == nullptr ? 0 : bases.positive[i]);
  }
  for (size_t i = 0; i < next.negative_buckets.size(); ++i) {
    each(next.negative_buckets[i], bases.negative == nullptr ? 0 : bases.negative[i]);
  }
}

uint64_t CodeOf(double value, double base) {
  return ZigZag(static_cast<int64_t>(value) - static_cast<int64_t>(base));
}

// Packs items of one width one after the other. The bytes must be zero before, with kSlack behind.
class Packer {
 public:
  Packer(uint8_t* out, unsigned bits) : out_(out), bits_(bits) {}
  void Put(uint64_t item) {
    uint8_t* const at = out_ + position_ / 8;
    PutWord(at, LoadWord(at) | item << (position_ % 8), 0);
    position_ += bits_;
  }

 private:
  uint8_t* out_;
  unsigned bits_;
  size_t position_ = 0;
};

// Makes room behind *out; End() cuts off what was not used.
class Room {
 public:
  Room(std::string* out, size_t most) : out_(out) {
    const size_t before = out->size();
    out->resize(before + most + kSlack);
    next = reinterpret_cast<uint8_t*>(out->data()) + before;
  }
  void End() { out_->resize(static_cast<size_t>(next - reinterpret_cast<uint8_t*>(out_->data()))); }

  uint8_t* next;

 private:
  std::string* out_;
};

void PutLayout(const Histogram& histogram, std::string* out) {
  const size_t spans = histogram.positive_spans.size() + histogram.negative_spans.size();
  Room room(out, 5 * kMaxVarintBytes + 2 * spans * kMaxVarintBytes +
                     (1 + histogram.custom_values.size()) * kMaxNumberBytes);
  const auto put_spans = [&room](std::span<const BucketSpan> some) {
    room.next = PutVarint(room.next, some.size());
    for (const BucketSpan& span : some) {
      room.next = PutZigZag(room.next, span.offset);
      room.next = PutVarint(room.next, span.length);
    }
  };
  room.next = PutZigZag(room.next, histogram.schema);
  room.next = PutNumber(room.next, histogram.zero_threshold);
  put_spans(histogram.positive_spans);
  put_spans(histogram.negative_spans);
  room.next = PutVarint(room.next, histogram.custom_values.size());
  for (const double value : histogram.custom_values) room.next = PutNumber(room.next, value);
  room.End();
}

void PutSum(double before, double sum, std::string* out) {
  Room room(out, kMaxNumberBytes);
  const uint64_t change = BitsOf(before) ^ BitsOf(sum);
  const size_t bytes = (BitWidth(change) + 7) / 8;
  if (change == 0) {
    *room.next++ = kSameSum;
  } else if (bytes < 8 && 1 + bytes < NumberSize(sum)) {
    *room.next++ = static_cast<uint8_t>(kXorSum | bytes);
    room.next = PutWord(room.next, change, bytes);
  } else {
    room.next = PutNumber(room.next, sum);
  }
  room.End();
}

void PutIntegers(const Histogram& next, int64_t rest, const Bases& bases, std::string* out) {
  const uint64_t rest_code = ZigZag(rest - bases.rest);
  uint64_t all = rest_code;
  size_t ones = rest_code != 0 ? 1 : 0;
  ForEachBucket(next, bases, [&](double value, double base) {
    const uint64_t code = CodeOf(value, base);
    all |= code;
    ones += code != 0 ? 1 : 0;
  });
  const unsigned width = BitWidth(all);
  CHECK(width <= kMaxPackedBits);
  const size_t slots = SlotsOf(next);
  const size_t plain_size = PackedSize(slots, std::max(width, 1U));
  const size_t bitmap_size = PackedSize(slots, 1);
  const size_t sparse_size = bitmap_size + PackedSize(ones, width);
  const bool sparse = sparse_size < plain_size;
  Room room(out, 1 + std::min(sparse_size, plain_size));
  *room.next++ = static_cast<uint8_t>(sparse ? kSparseBit | width : std::max(width, 1U));
  if (!sparse) {
    Packer items(room.next, std::max(width, 1U));
    items.Put(rest_code);
    ForEachBucket(next, bases, [&](double value, double base) { items.Put(CodeOf(value, base)); });
    room.next += plain_size;
    room.End();
    return;
  }
  Packer bitmap(room.next, 1);
  bitmap.Put(rest_code != 0 ? 1 : 0);
  ForEachBucket(next, bases, [&](double value, double base) { bitmap.Put(value != base ? 1 : 0); });
  Packer items(room.next + bitmap_size, width);
  if (rest_code != 0) items.Put(rest_code);
  ForEachBucket(next, bases, [&](double value, double base) {
    if (value != base) items.Put(CodeOf(value, base));
  });
  room.next += sparse_size;
  room.End();
}

void PutFloats(const Histogram& next, const Bases& bases, std::string* out) {
  Room room(out, SlotsOf(next) * 9);
  unsigned same = 0;  // slots that the last byte stands for
  const auto put = [&](double value, double base) {
    const uint64_t x = BitsOf(value) ^ BitsOf(base);
    if (x == 0) {
      if (same == 0) {
        *room.next++ = 0;
      } else {
        room.next[-1] = static_cast<uint8_t>(same << 4);
      }
      same = (same + 1) % 16;
      return;
    }
    same = 0;
    const auto leading = static_cast<unsigned>(std::countl_zero(x)) / 8;
    const unsigned bytes = 8 - leading - static_cast<unsigned>(std::countr_zero(x)) / 8;
    *room.next++ = static_cast<uint8_t>(leading << 4 | bytes);
    room.next = PutWord(room.next, x >> (8 * (8 - leading - bytes)), bytes);
  };
  put(next.count, bases.count);
  ForEachBucket(next, bases, put);
  room.End();
}

}  // namespace

void PutHistogram(const Histogram* before, bool same_series, const Histogram& next,
                  std::string* out) {
  CHECK(IsWellFormed(next));
  const bool based = before != nullptr && same_series;
  if (based && SameHistogram(*before, next)) {
    out->push_back(static_cast<char>(kRepeatBit));
    return;
  }
  const bool layout = before == nullptr || !SameLayout(*before, next);
  int64_t rest = 0;
  int64_t rest_before = 0;
  const bool whole = CountsAreWhole(next, &rest);
  const bool whole_before = based && CountsAreWhole(*before, &rest_before);
  const auto control = static_cast<unsigned>(next.reset_hint) | (next.integer ? kIntegerBit : 0U) |
                       (layout ? kLayoutBit : 0U) | (whole ? 0U : kFloatsBit);
  out->push_back(static_cast<char>(control));
  if (layout) PutLayout(next, out);
  PutSum(based ? before->sum : 0, next.sum, out);

  Bases bases;
  std::vector<double> positive;
  std::vector<double> negative;
  if (based && (!whole || whole_before)) {
    if (!layout || before->schema == next.schema) {
      bases.count = before->count;
      bases.zero_count = before->zero_count;
    }
    if (!layout) {
      bases.rest = rest_before;
      bases.positive = before->positive_buckets.data();
      bases.negative = before->negative_buckets.data();
    } else if (before->schema == next.schema) {
      positive = TakeOver(before->positive_spans, before->positive_buckets, next.positive_spans,
                          next.positive_buckets.size());
      negative = TakeOver(before->negative_spans, before->negative_buckets, next.negative_spans,
                          next.negative_buckets.size());
      bases.positive = positive.data();
      bases.negative = negative.data();
    }
  }
  if (whole) {
    PutIntegers(next, rest, bases, out);
  } else {
    PutFloats(next, bases, out);
  }
}

}  // namespace vigil::chunks
