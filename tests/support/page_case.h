// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/script_cases.h"

namespace vigil::testing_support {

// The escapes \n \r \t \\ \xNN.
inline std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (const char c = text[++i]; c == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

// The page that the input lines of a case spell:
//   | a line of the page
//   |\ a piece of the page with escapes and no newline of its own
inline std::string PageOf(const ScriptCase& one) {
  std::string page;
  for (const std::string& line : one.input) {
    if (line.starts_with("|\\ ")) {
      page += Unescaped(std::string_view(line).substr(3));
    } else if (line.starts_with("| ")) {
      page += line.substr(2) + "\n";
    } else {
      EXPECT_EQ(line, "|");
      page += "\n";
    }
  }
  return page;
}

}  // namespace vigil::testing_support
