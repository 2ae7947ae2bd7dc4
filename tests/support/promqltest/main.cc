// SPDX-License-Identifier: Apache-2.0
// promqltest [-q] FILE...: runs PromQL test scripts. Exit code 1 when anything failed, 2 when a
// file cannot be read.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/promqltest/runner.h"

namespace vigil::tests {
namespace {

int RunFiles(const std::vector<std::string>& files, bool quiet) {
  Tally total;
  bool unreadable = false;
  for (const std::string& file : files) {
    std::ifstream in(file);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
      unreadable = true;
      continue;
    }
    const std::string script((std::istreambuf_iterator<char>(in)), {});
    const Tally tally = ScriptRunner(script).Run([&](int line, const std::string& what) {
      if (!quiet) std::printf("%s:%d: %s\n", file.c_str(), line, what.c_str());
    });
    std::printf("%s: %zu passed, %zu failed\n", file.c_str(), tally.passed, tally.failed);
    total.passed += tally.passed;
    total.failed += tally.failed;
  }
  std::printf("%zu passed, %zu failed\n", total.passed, total.failed);
  if (unreadable) return 2;
  return total.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vigil::tests

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool quiet = std::erase(files, "-q") != 0;
  if (files.empty()) {
    std::fprintf(stderr, "usage: promqltest [-q] FILE...\n  -q  counts only\n");
    return 2;
  }
  return vigil::tests::RunFiles(files, quiet);
}
