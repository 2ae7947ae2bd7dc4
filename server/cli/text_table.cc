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

}  // namespace

std::string PrintTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], WidthOf(row[i]));
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
