// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/histogram_stream.h"

#include <utility>

#include "server/chunks/bytes.h"

namespace vigil::chunks {

size_t HistogramStream::Append(TimestampMs timestamp, HistogramPtr histogram) {
  const size_t before = data_.capacity();
  int64_t step = 0;
  if (count_ == 0) {
    first_time_ = timestamp;
    last_step_ = 0;
  } else {
    step = WrapSub(timestamp, last_time_);
    uint8_t room[kMaxVarintBytes];
    const uint8_t* const end = PutZigZag(room, WrapSub(step, last_step_));
    data_.append(reinterpret_cast<const char*>(room), static_cast<size_t>(end - room));
  }
  PutHistogram(count_ == 0 ? nullptr : last_.get(), true, *histogram, &data_);
  last_ = std::move(histogram);
  last_time_ = timestamp;
  last_step_ = step;
  ++count_;
  return data_.capacity() - before;
}

void HistogramStream::Reset() {
  std::string().swap(data_);
  count_ = 0;
}

bool DecodeHistogramStream(std::string_view data, TimestampMs first_time, TimestampMs min_time,
                           TimestampMs max_time, std::vector<HistogramSample>* out) {
  const size_t before = out->size();
  ByteReader reader(data);
  HistogramReader records;
  TimestampMs time = first_time;
  int64_t step = 0;
  bool first = true;
  while (!reader.AtEnd() && time <= max_time) {
    int64_t change = 0;
    bool good = first || reader.ZigZagVarint(&change);
    if (!first) {
      step = WrapAdd(step, change);
      time = WrapAdd(time, step);
    }
    first = false;
    const bool wanted = time >= min_time && time <= max_time;
    HistogramPtr histogram;
    good = good && records.Next(&reader, wanted ? &histogram : nullptr) && records.AtRecordEnd();
    if (!good) {
      out->resize(before);
      return false;
    }
    if (wanted) out->push_back({time, std::move(histogram)});
  }
  return true;
}

}  // namespace vigil::chunks
