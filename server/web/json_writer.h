// SPDX-License-Identifier: Apache-2.0
// Writes JSON straight into a response body: no document, no copies. Numbers and escapes as
// upstream's API writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "client-lib/model/histogram.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::web {

// Commas come by themselves; nesting is the caller's business.
// Threads: owner thread only.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}
  // Gives the text away piece by piece: `send` gets what is in *out whenever that is much, and says
  // whether anybody still reads. The last piece stays in *out.
  using Send = std::function<bool(std::string_view)>;
  JsonWriter(std::string* out, const Send* send) : out_(out), send_(send) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view name);
  JsonWriter& String(std::string_view text);
  JsonWriter& Bool(bool value) { return Raw(value ? "true" : "false"); }
  JsonWriter& Int(int64_t value);
  // A JSON number with the shortest digits; NaN and infinities become null.
  JsonWriter& Number(double value);
  // Text that is JSON already.
  JsonWriter& Raw(std::string_view json);
  // The same, but commas before and in it are the caller's business. Where text is given away it is
  // given as it is.
  JsonWriter& Insert(std::string_view json);

  JsonWriter& Field(std::string_view name, std::string_view text) { return Key(name).String(text); }

  // {"name":"value",...}
  JsonWriter& LabelSet(const Labels& labels);
  // [1435781430.781,"1.5"]
  JsonWriter& Point(TimestampMs timestamp, double value);
  // {"count":"4","sum":"5","buckets":[[0,"0.5","1","2"]]}: empty buckets are left out, the first
  // number says which bounds belong to the bucket (0 the upper, 1 the lower, 2 none, 3 both).
  JsonWriter& HistogramValue(const Histogram& histogram);
  // [1435781430.781,{"count":...}]
  JsonWriter& HistogramPoint(TimestampMs timestamp, const Histogram& histogram);
  // Seconds with up to three decimals: 1435781430.05 -> 1435781430.050, whole seconds bare.
  JsonWriter& Seconds(TimestampMs timestamp);

  // Text is given away while it is written.
  [[nodiscard]] bool gives_away() const { return send_ != nullptr; }
  // Nobody reads any more: what else is written goes nowhere.
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();
  void SendMuch();
  void GiveAway();
  JsonWriter& NumberText(double value);

  std::string* out_;
  const Send* send_ = nullptr;
  bool need_comma_ = false;
  bool gone_ = false;
};

// [1435781430.781,"1.5"],...: columns of equal length, staleness markers are left out. With a comma
// in front of the first one, too, if asked for.
void AppendPoints(std::span<const TimestampMs> timestamps, std::span<const double> values,
                  bool comma_first, std::string* out);

// The text between quotes: ", \, control characters, and <, >, & as \u003c...; invalid UTF-8
// becomes U+FFFD.
void AppendJsonEscaped(std::string_view text, std::string* out);

}  // namespace vigil::web
