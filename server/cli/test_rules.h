// SPDX-License-Identifier: Apache-2.0
// `vigilctl test rules`: unit tests of rule files, with promtool's files, output and exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client-lib/model/matcher.h"
#include "server/cli/junit_xml.h"
#include "server/promql/engine.h"

namespace vigil::cli {

struct TestRulesOptions {
  std::optional<Regexp> run;  // none: all tests
  bool diff = false;
  bool debug = false;
  bool ignore_unknown_fields = false;
  promql::EngineOptions engine;
};

// What came of one file.
struct TestRulesReport {
  std::vector<std::string> warnings;
  std::vector<std::string> errors;  // empty: all is as expected
  std::string debug;
  JunitSuite junit;
};

TestRulesReport TestRuleFile(const std::string& path, const TestRulesOptions& options);

// The command; args are the words behind `test rules`. The exit code.
int RunTestRules(const std::vector<std::string>& args);

}  // namespace vigil::cli
