// SPDX-License-Identifier: Apache-2.0
// See json_writer.h.
#include "server/web/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/shortest_digits.h"

namespace vigil::web {
namespace {

// Bytes that are copied as they are: printable ASCII but ", \, <, > and &.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7f; ++c) plain[c] = true;
  for (char c : {'"', '\\', '<', '>', '&'}) plain[static_cast<uint8_t>(c)] = false;
  return plain;
}();

// Length of the valid UTF-8 sequence at the start of text, 0 when there is none.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogates
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

// Text is given away in pieces of about so many bytes.
constexpr size_t kPiece = 64 * 1024;

// Timestamps as seconds, one after the other: what stays the same from one to the next is worked
// out once.
// Threads: owner thread only.
class SecondsText {
 public:
  static constexpr size_t kMaxSize = 32;

  // REQUIRES: room for kMaxSize bytes. Returns the end.
  char* Write(TimestampMs timestamp, char* out) {
    const uint64_t behind = static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(begin_);
    if (behind >= span_ms_) return WriteElsewhere(timestamp, out);
    std::memcpy(out, high_text_.data(), 16);
    out += high_size_;
    const auto ms = static_cast<uint32_t>(behind);
    PutFourDigits(ms / 1000, out);
    return WriteMs(ms % 1000, out + 4);
  }

 private:
  // 10'000 seconds: what their texts have in common.
  static constexpr TimestampMs kSpanMs = 10'000'000;

  static char* WriteMs(uint32_t ms, char* out) {
    if (ms == 0) return out;
    // The point takes the place of a fourth digit.
    PutFourDigits(ms, out);
    *out = '.';
    return out + 4;
  }

  char* WriteElsewhere(TimestampMs timestamp, char* out) {
    if (timestamp >= kSpanMs) {
      const auto high = static_cast<uint64_t>(timestamp / kSpanMs);
      begin_ = timestamp / kSpanMs * kSpanMs;
      span_ms_ = kSpanMs;
      high_size_ = static_cast<size_t>(WriteDigits(high, high_text_.data()) - high_text_.data());
      return Write(timestamp, out);
    }
    // Negative times: the sign stands in front even when the whole seconds are zero.
    const bool negative = timestamp < 0;
    const uint64_t magnitude =
        negative ? ~static_cast<uint64_t>(timestamp) + 1 : static_cast<uint64_t>(timestamp);
    if (negative) *out++ = '-';
    return WriteMs(static_cast<uint32_t>(magnitude % 1000), WriteDigits(magnitude / 1000, out));
  }

  TimestampMs begin_ = 0;
  uint64_t span_ms_ = 0;  // 0: nothing is known yet
  // The ten thousands of seconds.
  size_t high_size_ = 0;
  std::array<char, 20> high_text_{};
};

// Small whole numbers, the most common values, without a call.
char* WriteValue(double value, char* out) {
  if (value >= 1 && value < kShortDigitsEnd) {
    const auto whole = static_cast<int32_t>(value);
    if (static_cast<double>(whole) == value) {
      return WriteShortDigits(static_cast<uint32_t>(whole), out);
    }
  }
  return WriteFloatJson(value, out);
}

void AppendUnicodeEscape(unsigned code, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out->push_back(kHex[(code >> shift) & 0xf]);
}

// One special character at the start of text; returns how many bytes it took.
size_t AppendSpecial(std::string_view text, std::string* out) {
  const auto c = static_cast<uint8_t>(text[0]);
  switch (c) {
    case '"':
      out->append("\\\"");
      return 1;
    case '\\':
      out->append("\\\\");
      return 1;
    case '\n':
      out->append("\\n");
      return 1;
    case '\r':
      out->append("\\r");
      return 1;
    case '\t':
      out->append("\\t");
      return 1;
    default:
      break;
  }
  if (c < 0x80) {
    if (c == 0x7f) {
      out->push_back(static_cast<char>(c));
    } else {
      AppendUnicodeEscape(c, out);
    }
    return 1;
  }
  const size_t length = Utf8Length(text);
  if (length == 0) {
    out->append("\\ufffd");
    return 1;
  }
  // U+2028 and U+2029 end lines in JavaScript: escaped as Go does.
  if (length == 3 && text.substr(0, 2) == "\xe2\x80" && (text[2] == '\xa8' || text[2] == '\xa9')) {
    AppendUnicodeEscape(text[2] == '\xa8' ? 0x2028 : 0x2029, out);
  } else {
    out->append(text.substr(0, length));
  }
  return length;
}

}  // namespace

void AppendJsonEscaped(std::string_view text, std::string* out) {
  size_t i = 0;
  while (i < text.size()) {
    size_t plain = i;
    while (plain < text.size() && kPlain[static_cast<uint8_t>(text[plain])]) ++plain;
    out->append(text.substr(i, plain - i));
    i = plain;
    if (i < text.size()) i += AppendSpecial(text.substr(i), out);
  }
}

void AppendPoints(std::span<const TimestampMs> timestamps, std::span<const double> values,
                  bool comma_first, std::string* out) {
  constexpr size_t kPoint = SecondsText::kMaxSize + kMaxFloatJson + 8;
  std::array<char, 64 * kPoint> buffer;
  SecondsText seconds;
  char* at = buffer.data();
  // There is a comma in front of every point; that of the first one may have to stay behind.
  char* from = buffer.data() + (comma_first ? 0 : 1);
  for (size_t i = 0; i < values.size(); ++i) {
    if (IsStaleNaN(values[i])) continue;
    std::memcpy(at, ",[", 2);
    at = seconds.Write(timestamps[i], at + 2);
    std::memcpy(at, ",\"", 2);
    at = WriteValue(values[i], at + 2);
    std::memcpy(at, "\"]", 2);
    at += 2;
    if (static_cast<size_t>(buffer.data() + buffer.size() - at) < kPoint) {
      out->append(from, at);
      from = at = buffer.data();
    }
  }
  if (at > from) out->append(from, at);
}

void JsonWriter::Separate() {
  if (need_comma_) out_->push_back(',');
  need_comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_->push_back(bracket);
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_->push_back(bracket);
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  String(name);
  out_->push_back(':');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  out_->push_back('"');
  AppendJsonEscaped(text, out_);
  out_->push_back('"');
  return *this;
}

JsonWriter& JsonWriter::Int(int64_t value) {
  Separate();
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out_->append(digits.data(), end);
  return *this;
}

JsonWriter& JsonWriter::Number(double value) {
  if (!std::isfinite(value)) return Raw("null");
  Separate();
  AppendFloatJson(value, out_);
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_->append(json);
  return *this;
}

JsonWriter& JsonWriter::LabelSet(const Labels& labels) {
  SendMuch();
  BeginObject();
  for (const LabelView label : labels) Field(label.name, label.value);
  return EndObject();
}

JsonWriter& JsonWriter::Seconds(TimestampMs timestamp) {
  Separate();
  std::array<char, SecondsText::kMaxSize> text;
  out_->append(text.data(), SecondsText().Write(timestamp, text.data()));
  return *this;
}

void JsonWriter::SendMuch() {
  if (send_ != nullptr && out_->size() >= kPiece) GiveAway();
}

void JsonWriter::GiveAway() {
  gone_ = gone_ || (!out_->empty() && !(*send_)(*out_));
  out_->clear();
}

JsonWriter& JsonWriter::Insert(std::string_view json) {
  if (send_ == nullptr) {
    out_->append(json);
    return *this;
  }
  GiveAway();
  gone_ = gone_ || !(*send_)(json);
  return *this;
}

JsonWriter& JsonWriter::Point(TimestampMs timestamp, double value) {
  BeginArray().Seconds(timestamp);
  out_->append(",\"");
  AppendFloatJson(value, out_);
  out_->push_back('"');
  return EndArray();
}

// A sample value: a number as text.
JsonWriter& JsonWriter::NumberText(double value) {
  Separate();
  out_->push_back('"');
  AppendFloatJson(value, out_);
  out_->push_back('"');
  return *this;
}

JsonWriter& JsonWriter::HistogramValue(const Histogram& histogram) {
  BeginObject().Key("count").NumberText(histogram.count).Key("sum").NumberText(histogram.sum);
  AllBuckets buckets(histogram, AllBuckets::Order::kAscending);
  bool any = false;
  while (buckets.Next()) {
    const HistogramBucket& bucket = buckets.At();
    if (bucket.count == 0) continue;
    if (!any) Key("buckets").BeginArray();
    any = true;
    const int upper_only = 0;
    const int lower_only = 1;
    const int neither = 2;
    const int both = 3;
    const int closed = bucket.lower_inclusive ? (bucket.upper_inclusive ? both : lower_only)
                                              : (bucket.upper_inclusive ? upper_only : neither);
    BeginArray().Int(closed).NumberText(bucket.lower).NumberText(bucket.upper);
    NumberText(bucket.count).EndArray();
  }
  if (any) EndArray();
  return EndObject();
}

JsonWriter& JsonWriter::HistogramPoint(TimestampMs timestamp, const Histogram& histogram) {
  return BeginArray().Seconds(timestamp).HistogramValue(histogram).EndArray();
}

}  // namespace vigil::web
