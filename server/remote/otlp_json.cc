// SPDX-License-Identifier: Apache-2.0
// See otlp_json.h.
#include "server/remote/otlp_json.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "client-lib/base/json_reader.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/remote/proto_writer.h"

namespace vigil::remote {
namespace {

using JsonKind = JsonReader::Kind;

// Deeper than what the decoder takes of values in values.
constexpr int kDeepestOtlpMessage = 64;
// Of a length that is known when the message is written.
constexpr size_t kLengthBytes = 5;

namespace otlp_json {

enum class OtlpField : uint8_t {
  kText,
  kBase64,
  kHex,
  kBool,
  kUint,         // a varint
  kInt,          // int64, a varint
  kZigZag,       // sint32
  kFixed,        // fixed64
  kSignedFixed,  // sfixed64
  kDouble,
  kTemporality,
  // Messages.
  kExport,
  kResourceMetrics,
  kResource,
  kAttribute,
  kValue,
  kValues,
  kAttributes,
  kScopeMetrics,
  kScope,
  kMetric,
  kGauge,
  kSum,
  kHistogram,
  kExponential,
  kSummary,
  kNumberPoint,
  kHistogramPoint,
  kExponentialPoint,
  kBuckets,
  kSummaryPoint,
  kQuantile,
  kExemplar,
};

struct OtlpJsonRow {
  std::string_view name;
  uint32_t number;
  OtlpField field;
  bool list = false;
};

using enum OtlpField;

// The fields of otlp_metrics.proto with the names that they have upstream.
constexpr std::array kExportRows = {OtlpJsonRow{"resourceMetrics", 1, kResourceMetrics, true}};
constexpr std::array kResourceMetricsRows = {OtlpJsonRow{"resource", 1, kResource},
                                             OtlpJsonRow{"scopeMetrics", 2, kScopeMetrics, true}};
constexpr std::array kResourceRows = {OtlpJsonRow{"attributes", 1, kAttribute, true}};
constexpr std::array kAttributeRows = {OtlpJsonRow{"key", 1, kText},
                                       OtlpJsonRow{"value", 2, kValue}};
constexpr std::array kValueRows = {
    OtlpJsonRow{"stringValue", 1, kText},  OtlpJsonRow{"boolValue", 2, kBool},
    OtlpJsonRow{"intValue", 3, kInt},      OtlpJsonRow{"doubleValue", 4, kDouble},
    OtlpJsonRow{"arrayValue", 5, kValues}, OtlpJsonRow{"kvlistValue", 6, kAttributes},
    OtlpJsonRow{"bytesValue", 7, kBase64},
};
constexpr std::array kValuesRows = {OtlpJsonRow{"values", 1, kValue, true}};
constexpr std::array kAttributesRows = {OtlpJsonRow{"values", 1, kAttribute, true}};
constexpr std::array kScopeMetricsRows = {OtlpJsonRow{"scope", 1, kScope},
                                          OtlpJsonRow{"metrics", 2, kMetric, true},
                                          OtlpJsonRow{"schemaUrl", 3, kText}};
constexpr std::array kScopeRows = {OtlpJsonRow{"name", 1, kText}, OtlpJsonRow{"version", 2, kText},
                                   OtlpJsonRow{"attributes", 3, kAttribute, true}};
constexpr std::array kMetricRows = {
    OtlpJsonRow{"name", 1, kText},
    OtlpJsonRow{"description", 2, kText},
    OtlpJsonRow{"unit", 3, kText},
    OtlpJsonRow{"gauge", 5, kGauge},
    OtlpJsonRow{"sum", 7, kSum},
    OtlpJsonRow{"histogram", 9, kHistogram},
    OtlpJsonRow{"exponentialHistogram", 10, kExponential},
    OtlpJsonRow{"summary", 11, kSummary},
};
constexpr std::array kGaugeRows = {OtlpJsonRow{"dataPoints", 1, kNumberPoint, true}};
constexpr std::array kSumRows = {OtlpJsonRow{"dataPoints", 1, kNumberPoint, true},
                                 OtlpJsonRow{"aggregationTemporality", 2, kTemporality},
                                 OtlpJsonRow{"isMonotonic", 3, kBool}};
constexpr std::array kHistogramRows = {OtlpJsonRow{"dataPoints", 1, kHistogramPoint, true},
                                       OtlpJsonRow{"aggregationTemporality", 2, kTemporality}};
constexpr std::array kExponentialRows = {OtlpJsonRow{"dataPoints", 1, kExponentialPoint, true},
                                         OtlpJsonRow{"aggregationTemporality", 2, kTemporality}};
constexpr std::array kSummaryRows = {OtlpJsonRow{"dataPoints", 1, kSummaryPoint, true}};
constexpr std::array kNumberPointRows = {
    OtlpJsonRow{"timeUnixNano", 3, kFixed},         OtlpJsonRow{"asDouble", 4, kDouble},
    OtlpJsonRow{"asInt", 6, kSignedFixed},          OtlpJsonRow{"exemplars", 5, kExemplar, true},
    OtlpJsonRow{"attributes", 7, kAttribute, true}, OtlpJsonRow{"flags", 8, kUint},
};
constexpr std::array kHistogramPointRows = {
    OtlpJsonRow{"timeUnixNano", 3, kFixed},
    OtlpJsonRow{"count", 4, kFixed},
    OtlpJsonRow{"sum", 5, kDouble},
    OtlpJsonRow{"bucketCounts", 6, kFixed, true},
    OtlpJsonRow{"explicitBounds", 7, kDouble, true},
    OtlpJsonRow{"exemplars", 8, kExemplar, true},
    OtlpJsonRow{"attributes", 9, kAttribute, true},
    OtlpJsonRow{"flags", 10, kUint},
};
constexpr std::array kExponentialPointRows = {
    OtlpJsonRow{"attributes", 1, kAttribute, true},
    OtlpJsonRow{"timeUnixNano", 3, kFixed},
    OtlpJsonRow{"count", 4, kFixed},
    OtlpJsonRow{"sum", 5, kDouble},
    OtlpJsonRow{"scale", 6, kZigZag},
    OtlpJsonRow{"zeroCount", 7, kFixed},
    OtlpJsonRow{"positive", 8, kBuckets},
    OtlpJsonRow{"negative", 9, kBuckets},
    OtlpJsonRow{"flags", 10, kUint},
    OtlpJsonRow{"exemplars", 11, kExemplar, true},
    OtlpJsonRow{"zeroThreshold", 14, kDouble},
};
constexpr std::array kBucketsRows = {OtlpJsonRow{"offset", 1, kZigZag},
                                     OtlpJsonRow{"bucketCounts", 2, kUint, true}};
constexpr std::array kSummaryPointRows = {
    OtlpJsonRow{"timeUnixNano", 3, kFixed},
    OtlpJsonRow{"count", 4, kFixed},
    OtlpJsonRow{"sum", 5, kDouble},
    OtlpJsonRow{"quantileValues", 6, kQuantile, true},
    OtlpJsonRow{"attributes", 7, kAttribute, true},
    OtlpJsonRow{"flags", 8, kUint},
};
constexpr std::array kQuantileRows = {OtlpJsonRow{"quantile", 1, kDouble},
                                      OtlpJsonRow{"value", 2, kDouble}};
constexpr std::array kExemplarRows = {
    OtlpJsonRow{"timeUnixNano", 2, kFixed}, OtlpJsonRow{"asDouble", 3, kDouble},
    OtlpJsonRow{"asInt", 6, kSignedFixed},  OtlpJsonRow{"spanId", 4, kHex},
    OtlpJsonRow{"traceId", 5, kHex},        OtlpJsonRow{"filteredAttributes", 7, kAttribute, true},
};

// In the order of OtlpField, from kExport on.
constexpr std::array<std::span<const OtlpJsonRow>, 22> kOtlpMessages = {
    kExportRows,         kResourceMetricsRows,  kResourceRows,   kAttributeRows,
    kValueRows,          kValuesRows,           kAttributesRows, kScopeMetricsRows,
    kScopeRows,          kMetricRows,           kGaugeRows,      kSumRows,
    kHistogramRows,      kExponentialRows,      kSummaryRows,    kNumberPointRows,
    kHistogramPointRows, kExponentialPointRows, kBucketsRows,    kSummaryPointRows,
    kQuantileRows,       kExemplarRows,
};
static_assert(static_cast<size_t>(kExemplar) - static_cast<size_t>(kExport) + 1 ==
              kOtlpMessages.size());

}  // namespace otlp_json

using otlp_json::OtlpField;
using otlp_json::OtlpJsonRow;

// resource_metrics is the same as resourceMetrics.
bool IsFieldName(std::string_view camel, std::string_view key) {
  size_t at = 0;
  for (const char c : camel) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (at < key.size() && key[at] == c) {
      ++at;
    } else if (upper && at + 1 < key.size() && key[at] == '_' && key[at + 1] == (c | 0x20)) {
      at += 2;
    } else {
      return false;
    }
  }
  return at == key.size();
}

std::optional<uint64_t> TemporalityOf(std::string_view name) {
  static constexpr std::string_view kNames[] = {"AGGREGATION_TEMPORALITY_UNSPECIFIED",
                                                "AGGREGATION_TEMPORALITY_DELTA",
                                                "AGGREGATION_TEMPORALITY_CUMULATIVE"};
  for (uint64_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return i;
  }
  return std::nullopt;
}

std::optional<std::string> BytesOfHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    for (const char c : text.substr(i, 2)) {
      const char low = static_cast<char>(c | 0x20);
      const bool digit = c >= '0' && c <= '9';
      if (!digit && (low < 'a' || low > 'f')) return std::nullopt;
      byte = byte << 4 | static_cast<unsigned>(digit ? c - '0' : low - 'a' + 10);
    }
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

// 10, 1e1 and 10.0 are one number. Nothing when it is not whole or not exactly known.
std::optional<int64_t> WholeNumber(std::string_view text) {
  if (const auto whole = ParseInt(text)) return whole;
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const auto number = ParseFloat(text);
  if (!number || std::abs(*number) > kExact || std::trunc(*number) != *number) return std::nullopt;
  return static_cast<int64_t>(*number);
}

class OtlpJsonWriter {
 public:
  OtlpJsonWriter(std::string_view json, size_t max_bytes) : json_(json), max_bytes_(max_bytes) {}

  Result<std::string> Take() {
    if (json_.Peek() != JsonKind::kObject) return Wrong("an object");
    TRY(Message(OtlpField::kExport, 0));
    if (!json_.failed() && !json_.AtEnd()) return Broken("more behind the request");
    if (json_.failed()) return Broken(json_.error());
    return std::move(out_);
  }

 private:
  static Error Broken(const std::string& what) {
    return BadData("the body is not an OTLP export request: " + what);
  }
  Error Wrong(std::string_view wanted) const {
    if (json_.failed()) return Broken(json_.error());
    return Broken("expected " + std::string(wanted) +
                  (field_.empty() ? "" : " in " + Quote(field_)));
  }

  // Its fields, without tag and length.
  Result<void> Message(OtlpField message, int depth) {
    if (json_.Peek() != JsonKind::kObject) return Wrong("an object");
    if (depth > kDeepestOtlpMessage) return Broken("too many levels");
    const auto rows = otlp_json::kOtlpMessages[static_cast<size_t>(message) -
                                               static_cast<size_t>(OtlpField::kExport)];
    json_.Enter();
    std::string_view key;
    while (json_.NextKey(&key)) {
      const OtlpJsonRow* row = nullptr;
      for (const OtlpJsonRow& one : rows) {
        if (IsFieldName(one.name, key)) row = &one;
      }
      json_.ForgetStrings();
      if (row == nullptr || json_.Peek() == JsonKind::kNull) {
        json_.Skip();
        json_.ForgetStrings();
        continue;
      }
      field_ = row->name;
      TRY(row->list ? List(*row, depth) : One(*row, depth));
    }
    return json_.failed() ? Result<void>(Broken(json_.error())) : Ok();
  }

  Result<void> List(const OtlpJsonRow& row, int depth) {
    if (json_.Peek() != JsonKind::kArray) return Wrong("an array");
    json_.Enter();
    while (json_.NextElement()) TRY(One(row, depth));
    return json_.failed() ? Result<void>(Broken(json_.error())) : Ok();
  }

  Result<void> One(const OtlpJsonRow& row, int depth) {
    if (row.field < OtlpField::kExport) {
      TRY(Scalar(row));
      json_.ForgetStrings();
    } else {
      // The length comes when it is known, in a room of fixed size.
      AppendVarint(uint64_t{row.number} << 3 | uint64_t{2}, &out_);
      const size_t begin = out_.size();
      out_.append(kLengthBytes, '\0');
      TRY(Message(row.field, depth + 1));
      size_t length = out_.size() - begin - kLengthBytes;
      for (size_t i = 0; i < kLengthBytes; ++i, length >>= 7) {
        const size_t more = i + 1 < kLengthBytes ? 0x80 : 0;
        out_[begin + i] = static_cast<char>((length & 0x7f) | more);
      }
    }
    if (out_.size() <= max_bytes_) return Ok();
    return BadData("the body decodes to more than " + std::to_string(max_bytes_) +
                   " bytes: send smaller batches");
  }

  Result<void> Scalar(const OtlpJsonRow& row) {
    ProtoWriter fields(&out_);
    switch (row.field) {
      case OtlpField::kText:
      case OtlpField::kBase64:
      case OtlpField::kHex:
        return Bytes(row, &fields);
      case OtlpField::kBool:
        if (json_.Peek() != JsonKind::kBool) return Wrong("true or false");
        fields.Varint(row.number, json_.Bool() ? 1 : 0);
        return Ok();
      case OtlpField::kDouble: {
        bool overflow = false;
        const auto number = ParseFloat(TRY(NumberText()), &overflow);
        if (!number || overflow) return Wrong("a number");
        fields.Double(row.number, *number);
        return Ok();
      }
      case OtlpField::kTemporality:
        return Temporality(row, &fields);
      default:
        return Integer(row, &fields);
    }
  }

  Result<void> Bytes(const OtlpJsonRow& row, ProtoWriter* fields) {
    if (json_.Peek() != JsonKind::kString) return Wrong("a string");
    const std::string_view text = json_.String();
    if (row.field == OtlpField::kText) {
      fields->Bytes(row.number, text);
    } else if (row.field == OtlpField::kHex) {
      const auto bytes = BytesOfHex(text);
      if (!bytes) return Wrong("hexadecimal digits");
      fields->Bytes(row.number, *bytes);
    } else {
      const auto bytes = Base64Decode(text);
      if (!bytes) return Wrong("base64");
      fields->Bytes(row.number, *bytes);
    }
    return Ok();
  }

  // Of a number, or of a string that holds one.
  Result<std::string_view> NumberText() {
    switch (json_.Peek()) {
      case JsonKind::kNumber:
        return json_.Number();
      case JsonKind::kString:
        return json_.String();
      default:
        return Wrong("a number");
    }
  }

  Result<void> Temporality(const OtlpJsonRow& row, ProtoWriter* fields) {
    const bool named = json_.Peek() == JsonKind::kString;
    const std::string_view text = TRY(NumberText());
    std::optional<uint64_t> value = named ? TemporalityOf(text) : std::nullopt;
    if (!value) value = ParseUint(text);
    if (!value) return Wrong("an aggregation temporality");
    fields->Varint(row.number, *value);
    return Ok();
  }

  Result<void> Integer(const OtlpJsonRow& row, ProtoWriter* fields) {
    const std::string_view text = TRY(NumberText());
    const bool is_signed = row.field == OtlpField::kInt || row.field == OtlpField::kSignedFixed ||
                           row.field == OtlpField::kZigZag;
    const auto small = WholeNumber(text);
    std::optional<uint64_t> value = is_signed ? std::nullopt : ParseUint(text);
    if (!value && small && (is_signed || *small >= 0)) value = static_cast<uint64_t>(*small);
    if (!value) return Wrong("an integer");
    if (row.field == OtlpField::kZigZag) {
      if (*small < std::numeric_limits<int32_t>::min() ||
          *small > std::numeric_limits<int32_t>::max()) {
        return Wrong("an integer of 32 bits");
      }
      fields->SignedVarint(row.number, *small);
    } else if (row.field == OtlpField::kFixed || row.field == OtlpField::kSignedFixed) {
      fields->Fixed64(row.number, *value);
    } else {
      fields->Varint(row.number, *value);
    }
    return Ok();
  }

  JsonReader json_;
  const size_t max_bytes_;
  std::string out_;
  std::string_view field_;  // that is being read
};

}  // namespace

Result<std::string> OtlpJsonToProtobuf(std::string_view json, size_t max_bytes) {
  return OtlpJsonWriter(json, max_bytes).Take();
}

}  // namespace vigil::remote
