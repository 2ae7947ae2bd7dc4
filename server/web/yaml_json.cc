// SPDX-License-Identifier: Apache-2.0
#include "server/web/yaml_json.h"

#include <charconv>

#include "server/config/yaml_node.h"
#include "server/web/json_writer.h"

namespace vigil::web {
namespace {

using config::YamlNode;

// Digits, a point, an exponent: the numbers that YAML and JSON write alike.
bool IsJsonNumber(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return false;
  if (digits.size() > 1 && digits.front() == '0' && digits[1] != '.') return false;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && text.back() != '.';
}

void WriteScalar(const YamlNode& node, JsonWriter& json) {
  const std::string& text = node.text;
  if (node.quoted) {
    json.String(text);
  } else if (text.empty() || text == "null" || text == "~") {
    json.Raw("null");
  } else if (text == "true" || text == "false" || IsJsonNumber(text)) {
    json.Raw(text);
  } else {
    json.String(text);
  }
}

void WriteNode(const YamlNode& node, JsonWriter& json) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      json.Raw("null");
      return;
    case YamlNode::Kind::kScalar:
      return WriteScalar(node, json);
    case YamlNode::Kind::kList:
      json.BeginArray();
      for (const config::YamlPtr& item : node.items) WriteNode(*item, json);
      json.EndArray();
      return;
    case YamlNode::Kind::kMap:
      json.BeginObject();
      for (const auto& [key, value] : node.entries) {
        json.Key(key->text);
        WriteNode(*value, json);
      }
      json.EndObject();
      return;
  }
}

}  // namespace

Result<std::string> YamlToJson(std::string_view yaml, const std::string& name) {
  const config::YamlPtr document = TRY(config::ParseYaml(yaml, name));
  std::string out;
  JsonWriter json(&out);
  WriteNode(*document, json);
  return out;
}

}  // namespace vigil::web
