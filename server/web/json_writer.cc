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
    // Negative times: the sign stands in front even when the whole seconds are zero.
    const bool negative = timestamp < 0;
    const uint64_t magnitude =
        negative ? ~static_cast<uint64_t>(timestamp) + 1 : static_cast<uint64_t>(timestamp);
    if (negative) *out++ = '-';
    const uint64_t whole = magnitude / 1000;
    if (whole < 10'000) {
      out = WriteDigits(whole, out);
    } else {
      if (whole / 10'000 != high_) {
        high_ = whole / 10'000;
        high_size_ = static_cast<size_t>(WriteDigits(high_, high_text_.data()) - high_text_.data());
      }
      std::memcpy(out, high_text_.data(), 16);
      out += high_size_;
      PutPair(whole % 10'000 / 100, out);
      PutPair(whole % 100, out + 2);
      out += 4;
    }
    const uint64_t ms = magnitude % 1000;
    if (ms == 0) return out;
    out[0] = '.';
    out[1] = static_cast<char>('0' + ms / 100);
    PutPair(ms % 100, out + 2);
    return out + 4;
  }

 private:
  static void PutPair(uint64_t pair, char* out) { std::memcpy(out, kDigitPairs + pair * 2, 2); }

  uint64_t high_ = 0;  // of the ten thousands of seconds in high_text_; 0: none
  size_t high_size_ = 0;
  std::array<char, 20> high_text_{};
};

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
  if (send_ == nullptr || out_->size() < kPiece) return;
  gone_ = gone_ || !(*send_)(*out_);
  out_->clear();
}

JsonWriter& JsonWriter::Points(std::span<const TimestampMs> timestamps,
                               std::span<const double> values) {
  constexpr size_t kPoint = SecondsText::kMaxSize + kMaxFloatJson + 8;
  std::array<char, 64 * kPoint> buffer;
  SecondsText seconds;
  BeginArray();
  char* at = buffer.data();
  bool first = true;
  for (size_t i = 0; i < values.size() && !gone_; ++i) {
    if (IsStaleNaN(values[i])) continue;
    if (!first) *at++ = ',';
    first = false;
    *at++ = '[';
    at = seconds.Write(timestamps[i], at);
    *at++ = ',';
    *at++ = '"';
    at = WriteFloatJson(values[i], at);
    *at++ = '"';
    *at++ = ']';
    if (static_cast<size_t>(buffer.data() + buffer.size() - at) < kPoint) {
      out_->append(buffer.data(), at);
      at = buffer.data();
      SendMuch();
    }
  }
  out_->append(buffer.data(), at);
  SendMuch();
  return EndArray();
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
