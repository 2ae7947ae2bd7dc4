// SPDX-License-Identifier: Apache-2.0
#include "server/config/yaml_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client-lib/base/strings.h"

namespace vigil::config {
namespace {

// Text that YAML readers would take for something else than a string.
bool LooksLikeAnotherType(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kWords = {
      "true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ".nan", "<<"};
  std::string lower = AsciiLower(text);
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return true;
  // Numbers, dates, octals, 1:30 sexagesimals: anything of digits and number signs only.
  if (text.find_first_not_of("0123456789+-.:_eExXoOabcdfABCDF") != std::string_view::npos) {
    return lower == ".inf" || lower == "-.inf" || lower == "+.inf";
  }
  if (std::count(text.begin(), text.end(), '.') > 1) return false;  // an address
  return text[0] == '+' || text[0] == '-' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9');
}

bool IsPlain(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`=").find(text[0]) != std::string_view::npos) {
    return false;
  }
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  for (std::string_view bad : {": ", " #", ", ", "[", "]", "{", "}"}) {
    if (text.find(bad) != std::string_view::npos) return false;
  }
  return text.find(',') == std::string_view::npos && !LooksLikeAnotherType(text);
}

std::string ScalarText(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

}  // namespace

void YamlWriter::Begin(std::string_view key) {
  out_.append(dash_ ? indent_ - 2 : indent_, ' ');
  if (dash_) out_ += "- ";
  dash_ = false;
  out_ += ScalarText(key);
  out_ += ':';
}

void YamlWriter::Scalar(std::string_view key, std::string_view value) {
  Verbatim(key, ScalarText(value));
}

void YamlWriter::Verbatim(std::string_view key, std::string_view value) {
  Begin(key);
  out_ += ' ';
  out_ += value;
  out_ += '\n';
}

void YamlWriter::Secret(std::string_view key, std::string_view value) {
  if (show_secrets_) {
    Scalar(key, value);
  } else {
    Verbatim(key, "<secret>");
  }
}

void YamlWriter::FlowList(std::string_view key, const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) {
    if (text.size() > 1) text += ", ";
    text += ScalarText(value);
  }
  Verbatim(key, text + "]");
}

void YamlWriter::BlockList(std::string_view key, const std::vector<std::string>& values) {
  Begin(key);
  out_ += values.empty() ? " []\n" : "\n";
  for (const std::string& value : values) {
    out_.append(indent_, ' ');
    out_ += "- ";
    out_ += ScalarText(value);
    out_ += '\n';
  }
}

void YamlWriter::OpenMap(std::string_view key) {
  OpenList(key);
  indent_ += 2;
}

void YamlWriter::OpenList(std::string_view key) {
  Begin(key);
  out_ += '\n';
}

void YamlWriter::OpenItem() {
  indent_ += 2;
  dash_ = true;
}

void YamlWriter::CloseItem() {
  if (dash_) {  // nothing was written
    out_.append(indent_ - 2, ' ');
    out_ += "- {}\n";
    dash_ = false;
  }
  indent_ -= 2;
}

}  // namespace vigil::config
