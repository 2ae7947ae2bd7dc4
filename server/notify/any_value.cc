// SPDX-License-Identifier: Apache-2.0
// What a plain scalar means is YAML 1.1's schema as Go's yaml.v2 reads it.
#include "server/notify/any_value.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

namespace vigil::notify {
namespace {

using config::YamlNode;
using tmpl::Value;

// Nobody means more; aliases could blow a short text up without end.
constexpr size_t kMaxNodes = 100'000;
constexpr size_t kMaxTextBytes = 64 << 10;  // a longer text is not looked into
constexpr size_t kMaxInnerBytes = 4 << 20;  // of all keys and texts inside texts together
constexpr int kMaxTextDepth = 20;

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// 0x1f, 0b101, 0o17 and 017, decimal; underscores stand between digits.
std::optional<Value> IntegerOf(std::string_view text) {
  std::string digits;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(std::tolower(static_cast<unsigned char>(text[1])));
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::remove_copy(text.begin(), text.end(), std::back_inserter(digits), '_');
  uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (negative) {
    if (magnitude > kMax) return std::nullopt;
    return Value::Int(-static_cast<int64_t>(magnitude));
  }
  return magnitude > kMax ? Value::Uint(magnitude) : Value::Int(static_cast<int64_t>(magnitude));
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
std::optional<Value> FloatOf(std::string_view text) {
  const bool plus = text.starts_with('+');
  if (plus) text.remove_prefix(1);
  const size_t body = !plus && text.starts_with('-') ? 1 : 0;
  if (text.find_first_not_of("0123456789.eE+-", body) != std::string_view::npos ||
      body == text.size() || text[body] == '+' || text[body] == '-') {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Value::Float(value);
}

// One budget counts for all texts of a value: aliases in a text may repeat another text with
// aliases of its own. A text that costs more than what is left stays a text. Threads: owner thread
// only.
class AnyExpander {
 public:
  explicit AnyExpander(Expander* texts) : texts_(texts) {}

  // `given`: from the configuration, so that texts are templates; else from an expanded text.
  Value Expand(const YamlNode& node, bool given, int depth) {
    if (!given && !Pay(node.text)) return {};
    switch (node.kind) {
      case YamlNode::Kind::kNull:
        return {};
      case YamlNode::Kind::kScalar: {
        Value value = node.quoted ? Value::String(node.text) : ScalarValue(node.text);
        return value.kind() == tmpl::Kind::kString ? Text(node.text, given, depth) : value;
      }
      case YamlNode::Kind::kList: {
        std::vector<Value> items;
        for (const auto& item : node.items) items.push_back(Expand(*item, given, depth));
        return Value::Anys(std::move(items));
      }
      case YamlNode::Kind::kMap:
        break;
    }
    std::map<std::string, Value, std::less<>> entries;
    for (const auto& [key, value] : node.entries) {
      if (!given && !Pay(key->text)) return {};
      if (!key->quoted && ScalarValue(key->text).kind() != tmpl::Kind::kString) continue;
      std::string name = given ? texts_->Text(key->text) : key->text;
      entries[std::move(name)] = Expand(*value, given, depth);
    }
    return Value::AnyMap(std::move(entries));
  }

 private:
  Value Text(const std::string& text, bool given, int depth) {
    std::string expanded = given ? texts_->Text(text) : text;
    if (depth >= kMaxTextDepth || expanded.size() > kMaxTextBytes || overdrawn_) {
      return Value::String(std::move(expanded));
    }
    const auto inner = config::ParseYaml(expanded, "text");
    if (!inner || *inner == nullptr || (*inner)->expanded_size > nodes_left_) {
      return Value::String(std::move(expanded));
    }
    const YamlNode& node = **inner;
    if (node.kind == YamlNode::Kind::kNull) return Value::String(std::move(expanded));
    if (node.kind == YamlNode::Kind::kScalar) {
      Value scalar = node.quoted ? Value::String("") : ScalarValue(node.text);
      const bool same = scalar.IsNil() || scalar.kind() == tmpl::Kind::kString;
      return same ? Value::String(std::move(expanded)) : scalar;
    }
    Value value = Expand(node, false, depth + 1);
    // What is half done is worth nothing: the outermost text stays as it is.
    return overdrawn_ ? Value::String(std::move(expanded)) : value;
  }

  // For a node inside a text; false: nothing is left, and nothing of this text is to be made.
  bool Pay(const std::string& text) {
    if (overdrawn_ || nodes_left_ == 0 || text.size() > bytes_left_) {
      overdrawn_ = true;
      return false;
    }
    --nodes_left_;
    bytes_left_ -= text.size();
    return true;
  }

  Expander* texts_;
  size_t nodes_left_ = kMaxNodes;
  size_t bytes_left_ = kMaxInnerBytes;
  bool overdrawn_ = false;
};

}  // namespace

Value ScalarValue(std::string_view text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return {};
  if (IsOneOf(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    return Value::Bool(true);
  }
  if (IsOneOf(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return Value::Bool(false);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (IsOneOf(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    return Value::Float(kInfinity);
  }
  if (IsOneOf(text, {"-.inf", "-.Inf", "-.INF"})) return Value::Float(-kInfinity);
  if (IsOneOf(text, {".nan", ".NaN", ".NAN"})) {
    return Value::Float(std::numeric_limits<double>::quiet_NaN());
  }
  if (std::string_view("0123456789+-.").find(text[0]) != std::string_view::npos) {
    if (auto integer = IntegerOf(text)) return *std::move(integer);
    if (auto number = FloatOf(text)) return *std::move(number);
  }
  return Value::String(std::string(text));
}

Value ExpandAny(const alerting::AnyValue& value, Expander* texts) {
  if (value == nullptr) return {};
  return AnyExpander(texts).Expand(*value, true, 0);
}

}  // namespace vigil::notify
