// SPDX-License-Identifier: Apache-2.0
// Results of tests in JUnit's XML, in the form promtool writes.
#pragma once

#include <string>
#include <vector>

namespace vigil::cli {

struct JunitCase {
  std::string name;
  std::vector<std::string> failures;
  std::string error;  // empty: none
};

// The tests of one file.
struct JunitSuite {
  std::string name;
  std::string timestamp;  // 2026-01-02T03:04:05
  std::vector<JunitCase> cases;
};

std::string JunitXml(const std::vector<JunitSuite>& suites);

}  // namespace vigil::cli
