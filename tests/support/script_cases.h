// SPDX-License-Identifier: Apache-2.0
// Script files of small cases: input lines and the lines that must come out of them.
//   # comment
//   case: what the case shows
//   any input line
//   > an expected output line
// With VIGIL_REBASELINE set in the environment the expected lines are rewritten from what came out;
// read the difference before keeping it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"

namespace vigil::testing_support {

struct ScriptCase {
  std::string title;
  size_t line = 0;
  std::vector<std::string> input;
  std::vector<std::string> expected;
};

using ScriptRun = std::function<std::vector<std::string>(const ScriptCase&)>;

inline std::vector<ScriptCase> ReadScript(std::string_view text) {
  std::vector<ScriptCase> cases;
  size_t number = 0;
  for (const std::string_view line : Split(text, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("case: ")) {
      cases.push_back({std::string(line.substr(6)), number, {}, {}});
    } else if (line.starts_with("> ")) {
      cases.back().expected.emplace_back(line.substr(2));
    } else {
      cases.back().input.emplace_back(line);
    }
  }
  return cases;
}

// The file's text with the expected lines replaced, in place of the old ones.
inline std::string Rebaselined(std::string_view text,
                               const std::vector<std::vector<std::string>>& outputs) {
  std::string out;
  size_t next = 0;
  bool pending = false;
  const auto flush = [&] {
    if (!std::exchange(pending, false)) return;
    for (const std::string& line : outputs[next]) out += "> " + line + "\n";
    ++next;
  };
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("> ")) continue;
    if (line.empty() || line[0] == '#' || line.starts_with("case: ")) flush();
    if (line.starts_with("case: ")) pending = true;
    out.append(line).append("\n");
  }
  flush();
  out.pop_back();  // Split sees an empty line behind the last newline
  return out;
}

inline void RunScriptFile(const std::string& path, const ScriptRun& run) {
  const Result<std::string> text = ReadFile(path);
  ASSERT_TRUE(text) << text.error().message;
  std::vector<std::vector<std::string>> outputs;
  const std::vector<ScriptCase> cases = ReadScript(*text);
  ASSERT_FALSE(cases.empty()) << path << " has no case";
  const bool rebaseline = std::getenv("VIGIL_REBASELINE") != nullptr;
  for (const ScriptCase& one : cases) {
    outputs.push_back(run(one));
    if (rebaseline) continue;
    EXPECT_EQ(Join(one.expected, "\n"), Join(outputs.back(), "\n"))
        << path << ":" << one.line << ": " << one.title;
  }
  if (rebaseline) {
    ASSERT_TRUE(WriteFileAtomically(path, Rebaselined(*text, outputs)));
  }
}

// Every .txt file below tests/scripts/<folder>.
inline void RunScripts(const std::string& folder, const ScriptRun& run) {
  const std::string dir = std::string(VIGIL_SOURCE_DIR) + "/tests/scripts/" + folder;
  const Result<std::vector<std::string>> names = ListDirectory(dir);
  ASSERT_TRUE(names) << names.error().message;
  size_t files = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".txt")) continue;
    ++files;
    RunScriptFile(ResolvePath(dir, name), run);
  }
  EXPECT_GT(files, 0U) << dir << " has no script";
}

}  // namespace vigil::testing_support
