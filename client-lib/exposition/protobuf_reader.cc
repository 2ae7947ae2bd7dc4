// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/protobuf_reader.h"

#include <bit>
#include <cmath>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/line_text.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/labels.h"

namespace vigil::exposition {
namespace {

// Field numbers of io.prometheus.client.
enum FamilyField : uint32_t { kName = 1, kHelp = 2, kType = 3, kMetric = 4, kUnit = 5 };
enum MetricField : uint32_t { kLabel = 1, kTimestamp = 6 };
// Where a metric of each type has its value.
constexpr uint32_t kValueFields[] = {3, 2, 4, 5, 7, 7};
constexpr MetricType kTypes[] = {MetricType::kCounter,   MetricType::kGauge,
                                 MetricType::kSummary,   MetricType::kUnknown,
                                 MetricType::kHistogram, MetricType::kGaugeHistogram};

constexpr size_t kMostSeriesBytes = size_t{1} << 20;
// A bucket may have two bytes, and each becomes a line with all labels: a small page could fill the
// memory.
constexpr size_t kMostTextBytes = size_t{64} << 20;
constexpr size_t kMostTextPerByte = 16;
// Braces, quotes and commas of a line.
constexpr size_t kSeriesMarks = 8;

double NumberOf(const ProtoField& field) { return std::bit_cast<double>(field.varint); }

void AppendTextEscaped(std::string_view text, bool quotes, std::string* out) {
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else {
      *out += c;
    }
  }
}

// As OpenMetrics writes the values of le and quantile: with a point or an exponent.
void AppendBound(std::string_view name, double bound, std::string* out) {
  out->assign(name);
  *out += "=\"";
  const size_t begin = out->size();
  AppendFloatG(bound, out);
  if (std::isfinite(bound) && out->find_first_of("e.", begin) == std::string::npos) *out += ".0";
  *out += '"';
}

// google.protobuf.Timestamp; false when it is cut off.
bool ReadProtoTimestamp(std::string_view message, std::optional<TimestampMs>* out) {
  int64_t seconds = 0;
  int64_t nanos = 0;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) seconds = static_cast<int64_t>(field->varint);
    if (field->number == 2) nanos = static_cast<int32_t>(field->varint);
  }
  constexpr int64_t kMost = INT64_MAX / 2000;
  if (seconds < -kMost || seconds > kMost) return false;
  *out = seconds * 1000 + nanos / 1'000'000;
  return reader.ok();
}

bool HasUnitSuffix(std::string_view name, std::string_view unit) {
  return name.size() > unit.size() && name.ends_with(unit) &&
         name[name.size() - unit.size() - 1] == '_';
}

}  // namespace

Error ProtobufReader::Fail(std::string_view what) const {
  return BadData("metric " + Shown(name_) + ": " + std::string(what));
}

Result<Entry> ProtobufReader::Next() {
  histogram_.reset();
  exemplars_.clear();
  start_time_.reset();
  while (!spent_) {
    if (next_ < pending_.size()) return Give(pending_[next_++]);
    if (auto declaration = Declaration()) return *declaration;
    while (const auto field = metrics_.Next()) {
      if (field->number != kMetric) continue;
      spent_ = true;  // unless it is good
      TRY(Expand(field->bytes));
      spent_ = false;
      break;
    }
    if (next_ < pending_.size()) continue;
    spent_ = true;
    spent_ = !TRY(BeginFamily());
  }
  return Entry();
}

Entry ProtobufReader::Give(const PendingSample& sample) {
  const std::string_view text(text_);
  Entry entry;
  entry.kind = EntryKind::kSample;
  entry.series = text.substr(sample.series.begin, sample.series.size);
  entry.value = sample.value;
  entry.timestamp = timestamp_;
  histogram_ = sample.histogram;
  start_time_ = started_;
  for (size_t k = sample.exemplars; k < sample.exemplars_end; ++k) {
    const PendingExemplar& one = pending_exemplars_[k];
    exemplars_.push_back(
        {text.substr(one.labels.begin, one.labels.size), one.value, one.timestamp});
  }
  return entry;
}

std::optional<Entry> ProtobufReader::Declaration() {
  Entry entry;
  entry.series = name_;
  while (declared_ < 3) {
    switch (declared_++) {
      case 0:
        if (!has_help_) continue;
        escaped_help_.clear();
        AppendTextEscaped(help_, false, &escaped_help_);
        entry.kind = EntryKind::kHelp;
        entry.help = escaped_help_;
        return entry;
      case 1:
        entry.kind = EntryKind::kType;
        entry.type = kTypes[static_cast<size_t>(type_)];
        return entry;
      default:
        if (unit_.empty()) continue;
        entry.kind = EntryKind::kUnit;
        entry.help = unit_;
        return entry;
    }
  }
  return std::nullopt;
}

Result<bool> ProtobufReader::BeginFamily() {
  declared_ = 3;
  metrics_ = ProtoReader({});
  if (page_.empty()) return false;
  uint64_t length = 0;
  if (!TakeVarint(&page_, &length) || length > page_.size()) {
    return BadData("the protobuf page is cut off" +
                   (name_.empty() ? "" : " behind metric " + Shown(name_)));
  }
  const std::string_view family = page_.substr(0, length);
  page_.remove_prefix(length);
  name_ = help_ = unit_ = {};
  has_help_ = false;
  uint64_t type = 0;
  ProtoReader reader(family);
  while (const auto field = reader.Next()) {
    if (field->number == kName) name_ = field->bytes;
    if (field->number == kUnit) unit_ = field->bytes;
    if (field->number == kType) type = field->varint;
    if (field->number != kHelp) continue;
    help_ = field->bytes;
    has_help_ = true;
  }
  if (!reader.ok()) return Fail("a message is cut off");
  if (type > static_cast<uint64_t>(Type::kGaugeHistogram)) {
    return BadData("unknown metric type for metric " + Shown(name_) + ": " + std::to_string(type));
  }
  type_ = static_cast<Type>(type);
  TRY(CheckFamily());
  declared_ = 0;
  metrics_ = ProtoReader(family);
  return true;
}

Result<void> ProtobufReader::CheckFamily() {
  if (!IsUtf8Name(name_)) return BadData("invalid metric name: " + Shown(name_));
  if (!IsValidUtf8(help_)) return BadData("invalid help for metric " + Shown(name_));
  plain_name_ = IsLegacyMetricName(name_);
  if (unit_.empty()) return Ok();
  const bool counter = type_ == Type::kCounter && name_.ends_with("_total");
  const std::string_view stem = counter ? name_.substr(0, name_.size() - 6) : name_;
  if (HasUnitSuffix(stem, unit_)) return Ok();
  return BadData("unit " + Shown(unit_) + " not a suffix of " + (counter ? "counter " : "metric ") +
                 Shown(name_));
}

Result<void> ProtobufReader::AppendLabel(std::string_view message, std::string* out) const {
  std::string_view name;
  std::string_view value;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) name = field->bytes;
    if (field->number == 2) value = field->bytes;
  }
  if (!reader.ok()) return Fail("a label is cut off");
  if (!out->empty() && out->back() != '{') *out += ',';
  const bool plain = IsLegacyLabelName(name);
  if (!plain) *out += '"';
  AppendTextEscaped(name, true, out);
  *out += plain ? "=\"" : "\"=\"";
  AppendTextEscaped(value, true, out);
  *out += '"';
  return Ok();
}

Result<void> ProtobufReader::Expand(std::string_view message) {
  labels_.clear();
  text_.clear();
  pending_.clear();
  pending_exemplars_.clear();
  next_ = 0;
  timestamp_.reset();
  started_.reset();
  std::string_view value;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == kLabel) TRY(AppendLabel(field->bytes, &labels_));
    // A time of zero cannot be told from none.
    if (field->number == kTimestamp && field->varint != 0) {
      timestamp_ = static_cast<int64_t>(field->varint);
    }
    if (field->number == kValueFields[static_cast<size_t>(type_)]) value = field->bytes;
  }
  if (!reader.ok()) return Fail("a message is cut off");
  if (name_.size() + labels_.size() > kMostSeriesBytes) {
    return Fail("its name and labels have more than " + std::to_string(kMostSeriesBytes) +
                " bytes; let the exporter shorten them");
  }
  most_text_ = kMostTextBytes + kMostTextPerByte * message.size();
  extra_.clear();
  switch (type_) {
    case Type::kSummary:
      return ExpandSummary(value);
    case Type::kHistogram:
    case Type::kGaugeHistogram:
      return ExpandHistogram(value);
    default:
      return ExpandCounter(value);
  }
}

Result<void> ProtobufReader::AddSample(std::string_view suffix, double value) {
  const size_t begin = text_.size();
  // Quotes in the name may double it.
  const size_t most =
      2 * name_.size() + suffix.size() + labels_.size() + extra_.size() + kSeriesMarks;
  if (begin + most > most_text_) {
    return Fail("its samples need more than " + std::to_string(most_text_) +
                " bytes of text; let the exporter give it fewer buckets or shorter labels");
  }
  if (plain_name_) {
    text_ += name_;
    text_ += suffix;
    if (!labels_.empty() || !extra_.empty()) text_ += '{';
  } else {
    text_ += "{\"";
    AppendTextEscaped(name_, true, &text_);
    text_ += suffix;
    text_ += '"';
    if (!labels_.empty() || !extra_.empty()) text_ += ',';
  }
  text_ += labels_;
  if (!labels_.empty() && !extra_.empty()) text_ += ',';
  text_ += extra_;
  if (!plain_name_ || !labels_.empty() || !extra_.empty()) text_ += '}';
  PendingSample& sample = pending_.emplace_back();
  sample.series = {begin, text_.size() - begin};
  sample.value = value;
  sample.exemplars = sample.exemplars_end = pending_exemplars_.size();
  return Ok();
}

// Counters, gauges and what has no type.
Result<void> ProtobufReader::ExpandCounter(std::string_view message) {
  double value = 0;
  std::string_view exemplar;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) value = NumberOf(*field);
    if (type_ != Type::kCounter) continue;
    if (field->number == 2) exemplar = field->bytes;
    if (field->number == 3 && !ReadProtoTimestamp(field->bytes, &started_)) {
      return Fail("a timestamp is broken");
    }
  }
  if (!reader.ok()) return Fail("a value is cut off");
  TRY(AddSample("", value));
  return exemplar.empty() ? Ok() : AddExemplar(exemplar, false);
}

Result<void> ProtobufReader::ExpandSummary(std::string_view message) {
  double count = 0;
  double sum = 0;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) count = static_cast<double>(field->varint);
    if (field->number == 2) sum = NumberOf(*field);
    if (field->number == 4 && !ReadProtoTimestamp(field->bytes, &started_)) {
      return Fail("a timestamp is broken");
    }
  }
  if (!reader.ok()) return Fail("a summary is cut off");
  TRY(AddSample("_count", count));
  TRY(AddSample("_sum", sum));
  ProtoReader again(message);
  while (const auto field = again.Next()) {
    if (field->number == 3) TRY(ExpandQuantile(field->bytes));
  }
  return Ok();
}

Result<void> ProtobufReader::ExpandQuantile(std::string_view message) {
  double quantile = 0;
  double value = 0;
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) quantile = NumberOf(*field);
    if (field->number == 2) value = NumberOf(*field);
  }
  if (!reader.ok()) return Fail("a quantile is cut off");
  AppendBound("quantile", quantile, &extra_);
  TRY(AddSample("", value));
  return Ok();
}

Result<void> ProtobufReader::ExpandHistogram(std::string_view message) {
  auto read = ReadProtoHistogram(message);
  if (!read) return Fail(read.error().message);
  if (!read->created.empty() && !ReadProtoTimestamp(read->created, &started_)) {
    return Fail("a timestamp is broken");
  }
  const bool native = read->is_native && natives_ != NativeHistograms::kIgnore;
  if (native) TRY(ExpandNative(*read));
  if (native && (natives_ == NativeHistograms::kPrefer || !read->has_buckets)) return Ok();
  return ExpandBuckets(*read);
}

Result<void> ProtobufReader::ExpandNative(const ProtoHistogram& histogram) {
  TRY(AddSample("", 0));
  PendingSample& sample = pending_.back();
  auto made = MakeNativeHistogram(histogram, type_ == Type::kGaugeHistogram);
  if (!made) return Fail(made.error().message);
  sample.histogram = std::move(*made);
  // Its own ones, else those of the classic buckets.
  for (const uint32_t own : {16U, 3U}) {
    ProtoReader reader(histogram.message);
    while (const auto field = reader.Next()) {
      if (field->number != own) continue;
      std::string_view exemplar = field->bytes;
      if (own == 3) {
        exemplar = {};
        ProtoReader bucket(field->bytes);
        while (const auto part = bucket.Next()) {
          if (part->number == 3) exemplar = part->bytes;
        }
      }
      if (!exemplar.empty()) TRY(AddExemplar(exemplar, true));
    }
    if (sample.exemplars_end > sample.exemplars) break;
  }
  return Ok();
}

Result<void> ProtobufReader::ExpandBuckets(const ProtoHistogram& histogram) {
  TRY(AddSample("_count", histogram.count));
  TRY(AddSample("_sum", histogram.sum));
  bool has_infinity = false;
  ProtoReader reader(histogram.message);
  while (const auto field = reader.Next()) {
    if (field->number != 3) continue;
    double count = 0;
    double count_float = 0;
    double bound = 0;
    std::string_view exemplar;
    ProtoReader bucket(field->bytes);
    while (const auto part = bucket.Next()) {
      if (part->number == 1) count = static_cast<double>(part->varint);
      if (part->number == 2) bound = NumberOf(*part);
      if (part->number == 3) exemplar = part->bytes;
      if (part->number == 4) count_float = NumberOf(*part);
    }
    if (!bucket.ok()) return Fail("a bucket is cut off");
    has_infinity = has_infinity || bound == HUGE_VAL;
    AppendBound("le", bound, &extra_);
    TRY(AddSample("_bucket", count == 0 ? count_float : count));
    if (!exemplar.empty()) TRY(AddExemplar(exemplar, false));
  }
  if (has_infinity) return Ok();
  AppendBound("le", HUGE_VAL, &extra_);
  TRY(AddSample("_bucket", histogram.count));
  return Ok();
}

Result<void> ProtobufReader::AddExemplar(std::string_view message, bool needs_time) {
  PendingExemplar exemplar;
  const size_t begin = text_.size();
  text_ += '{';
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->number == 1) TRY(AppendLabel(field->bytes, &text_));
    if (field->number == 2) exemplar.value = NumberOf(*field);
    if (field->number == 3 && !ReadProtoTimestamp(field->bytes, &exemplar.timestamp)) {
      return Fail("a timestamp is broken");
    }
  }
  if (!reader.ok()) return Fail("an exemplar is cut off");
  text_ += '}';
  if (needs_time && !exemplar.timestamp) {
    text_.resize(begin);
    return Ok();
  }
  exemplar.labels = {begin, text_.size() - begin};
  pending_exemplars_.push_back(exemplar);
  pending_.back().exemplars_end = pending_exemplars_.size();
  return Ok();
}

}  // namespace vigil::exposition
