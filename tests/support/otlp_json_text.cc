// SPDX-License-Identifier: Apache-2.0
#include "tests/support/otlp_json_text.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <sstream>
#include <vector>

#include "client-lib/base/proto_reader.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::test {
namespace {

// Message, then name, number and kind of each field; a star stands behind lists.
constexpr const char* kOtlpJsonSpec = R"(
Export resourceMetrics 1 ResourceMetrics*
ResourceMetrics resource 1 Resource scopeMetrics 2 ScopeMetrics*
Resource attributes 1 Attribute*
Attribute key 1 text value 2 Value
Value stringValue 1 text boolValue 2 bool intValue 3 int doubleValue 4 double arrayValue 5 Values kvlistValue 6 Map bytesValue 7 base64
Values values 1 Value*
Map values 1 Attribute*
ScopeMetrics scope 1 Scope metrics 2 Metric* schemaUrl 3 text
Scope name 1 text version 2 text attributes 3 Attribute*
Metric name 1 text description 2 text unit 3 text gauge 5 Gauge sum 7 Sum histogram 9 Histogram exponentialHistogram 10 Exponential summary 11 Summary
Gauge dataPoints 1 Number*
Sum dataPoints 1 Number* aggregationTemporality 2 uint isMonotonic 3 bool
Histogram dataPoints 1 HistogramPoint* aggregationTemporality 2 uint
Exponential dataPoints 1 ExponentialPoint* aggregationTemporality 2 uint
Summary dataPoints 1 SummaryPoint*
Number timeUnixNano 3 fixed asDouble 4 double asInt 6 sfixed exemplars 5 Exemplar* attributes 7 Attribute* flags 8 uint
HistogramPoint timeUnixNano 3 fixed count 4 fixed sum 5 double bucketCounts 6 fixed* explicitBounds 7 double* exemplars 8 Exemplar* attributes 9 Attribute* flags 10 uint
ExponentialPoint attributes 1 Attribute* timeUnixNano 3 fixed count 4 fixed sum 5 double scale 6 zigzag zeroCount 7 fixed positive 8 Buckets negative 9 Buckets flags 10 uint exemplars 11 Exemplar* zeroThreshold 14 double
Buckets offset 1 zigzag bucketCounts 2 uint*
SummaryPoint timeUnixNano 3 fixed count 4 fixed sum 5 double quantileValues 6 Quantile* attributes 7 Attribute* flags 8 uint
Quantile quantile 1 double value 2 double
Exemplar timeUnixNano 2 fixed asDouble 3 double asInt 6 sfixed spanId 4 hex traceId 5 hex filteredAttributes 7 Attribute*
)";

struct JsonRow {
  std::string name;
  std::string kind;
  bool list = false;
};
using JsonRows = std::map<uint32_t, JsonRow>;

std::map<std::string, JsonRows> ReadSpec() {
  std::map<std::string, JsonRows> messages;
  std::istringstream spec(kOtlpJsonSpec);
  for (std::string line; std::getline(spec, line);) {
    std::istringstream words(line);
    std::string message;
    words >> message;
    JsonRow row;
    for (uint32_t number = 0; words >> row.name >> number >> row.kind;) {
      row.list = row.kind.back() == '*';
      if (row.list) row.kind.pop_back();
      messages[message][number] = row;
    }
  }
  return messages;
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      constexpr char kDigits[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      out.append("\\u00").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string HexText(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    out.append(1, kDigits[static_cast<unsigned char>(c) >> 4]).append(1, kDigits[c & 15]);
  }
  return out;
}

std::string JsonDouble(uint64_t bits) {
  const auto value = std::bit_cast<double>(bits);
  if (std::isnan(value)) return R"("NaN")";
  if (std::isinf(value)) return value > 0 ? R"("Infinity")" : R"("-Infinity")";
  return FormatFloatG(value);
}

std::string JsonMessage(const std::string& message, std::string_view bytes);

// Nothing when the field is of another wire type.
std::string JsonScalar(const JsonRow& row, WireType type, uint64_t bits, std::string_view bytes) {
  const bool length = type == WireType::kLength;
  if (row.kind == "text") return length && IsValidUtf8(bytes) ? JsonString(bytes) : "";
  if (row.kind == "base64") return length ? JsonString(Base64Encode(bytes)) : "";
  if (row.kind == "hex") return length ? JsonString(HexText(bytes)) : "";
  if (row.kind == "double") return type == WireType::kFixed64 ? JsonDouble(bits) : "";
  if (row.kind == "fixed" || row.kind == "sfixed") {
    if (type != WireType::kFixed64) return "";
    // One as a number, the other as a string.
    if (row.kind == "fixed") return JsonString(std::to_string(bits));
    return std::to_string(static_cast<int64_t>(bits));
  }
  if (length) return JsonMessage(row.kind, bytes);
  if (type != WireType::kVarint) return "";
  if (row.kind == "bool") return bits != 0 ? "true" : "false";
  if (row.kind == "uint") return std::to_string(bits);
  if (row.kind == "int") return std::to_string(static_cast<int64_t>(bits));
  if (row.kind != "zigzag") return "";
  const auto low = static_cast<uint32_t>(bits);
  return std::to_string(static_cast<int32_t>(low >> 1 ^ (0 - (low & 1))));
}

std::vector<std::string> JsonItems(const JsonRow& row, const ProtoField& field) {
  std::vector<std::string> items;
  const bool fixed = row.kind == "fixed" || row.kind == "double";
  if (field.type == WireType::kLength && row.list && (fixed || row.kind == "uint")) {
    std::string_view rest = field.bytes;
    uint64_t bits = 0;
    if (fixed && rest.size() % 8 != 0) return items;
    while (!rest.empty()) {
      if (fixed) {
        std::memcpy(&bits, rest.data(), 8);
        rest.remove_prefix(8);
      } else if (!TakeVarint(&rest, &bits)) {
        break;
      }
      items.push_back(JsonScalar(row, fixed ? WireType::kFixed64 : WireType::kVarint, bits, {}));
    }
    return items;
  }
  std::string text = JsonScalar(row, field.type, field.varint, field.bytes);
  if (!text.empty()) items.push_back(std::move(text));
  return items;
}

std::string JsonMessage(const std::string& message, std::string_view bytes) {
  static const std::map<std::string, JsonRows> kMessages = ReadSpec();
  const auto found = kMessages.find(message);
  if (found == kMessages.end()) return "";
  std::string out;
  ProtoReader reader(bytes);
  while (const auto field = reader.Next()) {
    const auto row = found->second.find(field->number);
    if (row == found->second.end()) continue;
    const std::string items = Join(JsonItems(row->second, *field), ",");
    if (items.empty()) continue;
    out += (out.empty() ? "" : ",") + JsonString(row->second.name) + ":";
    out += row->second.list ? "[" + items + "]" : items;
  }
  return "{" + out + "}";
}

}  // namespace

std::string OtlpJsonText(std::string_view protobuf) { return JsonMessage("Export", protobuf); }

}  // namespace vigil::test
