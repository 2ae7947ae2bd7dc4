// SPDX-License-Identifier: Apache-2.0
// Rows of cells as columns of text, as amtool lines them up.
#pragma once

#include <string>
#include <vector>

namespace vigil::cli {

// Each cell, the last as well, is followed by blanks up to two behind the longest of its column.
// Control characters become blanks and question marks. REQUIRES: all rows have as many cells.
std::string PrintTable(std::vector<std::vector<std::string>> rows);

}  // namespace vigil::cli
