// SPDX-License-Identifier: Apache-2.0
#include "server/cli/text_table.h"

#include <algorithm>

#include "client-lib/base/result.h"

namespace vigil::cli {
namespace {

// Characters, not bytes.
size_t WidthOf(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// What comes from alerts must not steer the terminal, nor break the lines.
void DefuseControls(std::string* text) {
  for (size_t i = 0; i < text->size(); ++i) {
    const auto byte = static_cast<unsigned char>((*text)[i]);
    if (byte == '\n' || byte == '\t' || byte == '\r') {
      (*text)[i] = ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      (*text)[i] = '?';
    } else if (byte == 0xc2 && i + 1 < text->size() && ((*text)[i + 1] & 0xe0) == 0x80) {
      text->replace(i, 2, "?");  // U+0080 to U+009F
    }
  }
}

}  // namespace

std::string PrintTable(std::vector<std::vector<std::string>> rows) {
  std::vector<size_t> widths;
  for (auto& row : rows) {
    widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) {
      DefuseControls(&row[i]);
      widths[i] = std::max(widths[i], WidthOf(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    CHECK(row.size() == widths.size());
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      out.append(widths[i] + 2 - WidthOf(row[i]), ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace vigil::cli
