// SPDX-License-Identifier: Apache-2.0
// See slow_tsdb_chunks.h.
#include "tests/support/slow_tsdb_chunks.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <memory>
#include <stdexcept>

namespace vigil::testing {
namespace {

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  bool Bit() {
    const size_t at = next_++;
    return (static_cast<uint8_t>(bytes_.at(at / 8)) >> (7 - at % 8) & 1) != 0;
  }
  uint64_t Bits(int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | static_cast<uint64_t>(Bit());
    return value;
  }
  double Double() { return std::bit_cast<double>(Bits(64)); }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint64_t byte = Bits(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  // Values above half of the range stand for negative ones; the middle one is positive.
  int64_t Signed(int count) {
    const uint64_t value = Bits(count);
    if (count > 0 && count < 64 && value > uint64_t{1} << (count - 1)) {
      return static_cast<int64_t>(value - (uint64_t{1} << count));
    }
    return static_cast<int64_t>(value);
  }
  int VarbitWidth() {
    constexpr int kWidths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
    int ones = 0;
    while (ones < 8 && Bit()) ++ones;
    return kWidths[ones];
  }
  int64_t VarbitInt() { return Signed(VarbitWidth()); }
  uint64_t VarbitUint() { return Bits(VarbitWidth()); }

 private:
  std::string_view bytes_;
  size_t next_ = 0;
};

struct XorState {
  uint64_t bits = 0;
  int leading = 0;
  int trailing = 0;

  double Next(BitReader* in) {
    if (!in->Bit()) return std::bit_cast<double>(bits);
    if (in->Bit()) {
      leading = static_cast<int>(in->Bits(5));
      const int significant = static_cast<int>(in->Bits(6));
      trailing = 64 - leading - (significant == 0 ? 64 : significant);
    }
    bits ^= in->Bits(64 - leading - trailing) << trailing;
    return std::bit_cast<double>(bits);
  }
};

uint64_t Count(std::string_view chunk) {
  return static_cast<uint64_t>(static_cast<uint8_t>(chunk.at(0))) << 8 |
         static_cast<uint8_t>(chunk.at(1));
}

int64_t TimeChange(BitReader* in) {
  if (!in->Bit()) return 0;
  if (!in->Bit()) return in->Signed(14);
  if (!in->Bit()) return in->Signed(17);
  if (!in->Bit()) return in->Signed(20);
  return in->Signed(64);
}

std::vector<BucketSpan> Spans(BitReader* in) {
  std::vector<BucketSpan> spans(in->VarbitUint());
  for (BucketSpan& span : spans) {
    span.length = static_cast<uint32_t>(in->VarbitUint());
    span.offset = static_cast<int32_t>(in->VarbitInt());
  }
  return spans;
}

size_t Buckets(const std::vector<BucketSpan>& spans) {
  size_t count = 0;
  for (const BucketSpan& span : spans) count += span.length;
  return count;
}

double ZeroThreshold(BitReader* in) {
  const auto byte = static_cast<int>(in->Bits(8));
  if (byte == 0) return 0;
  return byte == 255 ? in->Double() : std::ldexp(0.5, byte - 243);
}

Histogram Layout(BitReader* in) {
  Histogram h;
  h.zero_threshold = ZeroThreshold(in);
  h.schema = static_cast<int32_t>(in->VarbitInt());
  h.positive_spans = Spans(in);
  h.negative_spans = Spans(in);
  if (h.schema != kCustomBucketsSchema) return h;
  h.custom_values.resize(in->VarbitUint());
  for (double& bound : h.custom_values) {
    const uint64_t value = in->VarbitUint();
    bound = value == 0 ? in->Double() : static_cast<double>(value - 1) / 1000;
  }
  return h;
}

// A number whose second difference is written.
struct DodState {
  int64_t value = 0;
  int64_t delta = 0;
  int64_t Next(BitReader* in) {
    delta += in->VarbitInt();
    return value += delta;
  }
};

void ReadIntegers(BitReader* in, uint64_t count, Histogram h, std::vector<HistogramSample>* out) {
  h.positive_buckets.resize(Buckets(h.positive_spans));
  h.negative_buckets.resize(Buckets(h.negative_spans));
  DodState time, total, zero;
  XorState sum;
  std::vector<DodState> deltas(h.positive_buckets.size() + h.negative_buckets.size());
  for (uint64_t i = 0; i < count; ++i) {
    if (i == 0) {
      time.value = in->VarbitInt();
      total.value = static_cast<int64_t>(in->VarbitUint());
      zero.value = static_cast<int64_t>(in->VarbitUint());
      sum.bits = in->Bits(64);
      h.sum = std::bit_cast<double>(sum.bits);
      for (DodState& delta : deltas) delta.value = in->VarbitInt();
    } else {
      time.Next(in);
      total.Next(in);
      zero.Next(in);
      h.sum = sum.Next(in);
      for (DodState& delta : deltas) delta.Next(in);
    }
    h.count = static_cast<double>(total.value);
    h.zero_count = static_cast<double>(zero.value);
    size_t at = 0;
    for (std::vector<double>* side : {&h.positive_buckets, &h.negative_buckets}) {
      int64_t bucket = 0;
      for (double& value : *side) value = static_cast<double>(bucket += deltas[at++].value);
    }
    out->push_back({time.value, std::make_shared<const Histogram>(h)});
  }
}

void ReadFloats(BitReader* in, uint64_t count, Histogram h, std::vector<HistogramSample>* out) {
  h.positive_buckets.resize(Buckets(h.positive_spans));
  h.negative_buckets.resize(Buckets(h.negative_spans));
  DodState time;
  std::vector<XorState> states(3 + h.positive_buckets.size() + h.negative_buckets.size());
  for (uint64_t i = 0; i < count; ++i) {
    if (i == 0) time.value = in->VarbitInt();
    if (i != 0) time.Next(in);
    size_t at = 0;
    const auto next = [&] {
      XorState& state = states[at++];
      if (i == 0) return std::bit_cast<double>(state.bits = in->Bits(64));
      return state.Next(in);
    };
    h.count = next();
    h.zero_count = next();
    h.sum = next();
    for (double& bucket : h.positive_buckets) bucket = next();
    for (double& bucket : h.negative_buckets) bucket = next();
    out->push_back({time.value, std::make_shared<const Histogram>(h)});
  }
}

}  // namespace

std::vector<Sample> DecodeXorChunk(std::string_view chunk) {
  std::vector<Sample> samples;
  const uint64_t count = Count(chunk);
  BitReader in(chunk.substr(2));
  XorState value;
  int64_t time = 0;
  int64_t delta = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (i == 0) {
      const uint64_t zigzag = in.Varint();
      time = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
      value.bits = in.Bits(64);
      samples.push_back({time, std::bit_cast<double>(value.bits)});
      continue;
    }
    delta = i == 1 ? static_cast<int64_t>(in.Varint()) : delta + TimeChange(&in);
    time += delta;
    samples.push_back({time, value.Next(&in)});
  }
  return samples;
}

std::vector<HistogramSample> DecodeHistogramChunk(std::string_view chunk, bool integer) {
  BitReader in(chunk.substr(3));
  Histogram layout = Layout(&in);
  layout.integer = integer;
  std::vector<HistogramSample> samples;
  (integer ? ReadIntegers : ReadFloats)(&in, Count(chunk), std::move(layout), &samples);
  constexpr CounterResetHint kHints[] = {CounterResetHint::kUnknown, CounterResetHint::kNotReset,
                                         CounterResetHint::kReset, CounterResetHint::kGauge};
  const CounterResetHint first = kHints[static_cast<uint8_t>(chunk.at(2)) >> 6];
  for (size_t i = 0; i < samples.size(); ++i) {
    Histogram h = *samples[i].histogram;
    h.reset_hint =
        i == 0 || first == CounterResetHint::kGauge ? first : CounterResetHint::kNotReset;
    samples[i].histogram = std::make_shared<const Histogram>(std::move(h));
  }
  return samples;
}

}  // namespace vigil::testing
