// SPDX-License-Identifier: Apache-2.0
#include "server/config/node_json.h"

#include <fmt/format.h>

#include <algorithm>

namespace vigil::config {
namespace {

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?, which is less than YAML calls a number.
bool IsJsonNumber(std::string_view text) {
  const auto take_one_of = [&](std::string_view set) {
    const bool taken = !text.empty() && set.find(text.front()) != std::string_view::npos;
    if (taken) text.remove_prefix(1);
    return taken;
  };
  const auto take_digits = [&] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  take_one_of("-");
  if (!take_one_of("0") && !take_digits()) return false;
  if (take_one_of(".") && !take_digits()) return false;
  if (take_one_of("eE")) {
    take_one_of("+-");
    if (!take_digits()) return false;
  }
  return text.empty();
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string NodeToJson(const YamlNode& value) {
  switch (value.kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar: {
      if (value.quoted) return JsonString(value.text);
      if (value.text == "true" || value.text == "false") return value.text;
      return IsJsonNumber(value.text) ? value.text : JsonString(value.text);
    }
    case YamlNode::Kind::kList: {
      std::string out = "[";
      for (const YamlPtr& item : value.items) {
        if (out.size() > 1) out += ", ";
        out += NodeToJson(*item);
      }
      return out + "]";
    }
    case YamlNode::Kind::kMap: {
      std::string out = "{";
      for (const auto& [key, item] : value.entries) {
        if (out.size() > 1) out += ", ";
        out.append(JsonString(key->text)).append(": ").append(NodeToJson(*item));
      }
      return out + "}";
    }
  }
  return "null";
}

}  // namespace vigil::config
