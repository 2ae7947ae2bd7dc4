// SPDX-License-Identifier: Apache-2.0
#include "server/cli/json_text.h"

namespace vigil::cli {

std::string JsonText(std::string_view text) {
  static constexpr std::string_view kPlain = "\"\\\n\r\t";
  static constexpr std::string_view kLetters = "\"\\nrt";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const size_t known = kPlain.find(c);
    if (known != std::string_view::npos) {
      out.append("\\").append(1, kLetters[known]);
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      constexpr char kDigits[] = "0123456789abcdef";
      out.append("\\u00").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string JsonLabels(const Labels& labels, std::string_view indent) {
  std::string out = "{";
  bool first = true;
  for (const LabelView label : labels) {
    out.append(first ? "\n" : ",\n").append(indent).append("  ");
    out += JsonText(label.name) + ": " + JsonText(label.value);
    first = false;
  }
  if (!first) out.append("\n").append(indent);
  return out + "}";
}

}  // namespace vigil::cli
