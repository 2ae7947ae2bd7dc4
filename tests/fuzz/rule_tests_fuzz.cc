// SPDX-License-Identifier: Apache-2.0
// Feeds files to the reader of rules' unit tests, and runs what needs no other file and is short.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/cli/rule_test.h"
#include "server/cli/rule_test_file.h"

namespace {

constexpr int64_t kLongestMs = 600'000;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(input), size);
  const auto file = vigil::cli::ParseRuleTests(text, "t.yml");
  const auto lenient = vigil::cli::ParseRuleTests(text, "t.yml", /*ignore_unknown_fields=*/true);
  // What is good when all keys must be known is good when they need not be.
  CHECK(!file.has_value() || lenient.has_value());
  if (!file || size > 1000) return 0;
  vigil::cli::RuleTestSettings settings;
  settings.engine.max_samples = 10'000;
  settings.engine.timeout_ms = 1'000;
  for (const vigil::cli::RuleTest& test : file->tests) {
    if (test.Length() > kLongestMs) continue;
    bool long_series = false;
    for (const auto& series : test.input_series) {
      long_series = long_series || series.values.find('x') != std::string::npos;
    }
    if (!long_series) (void)vigil::cli::RuleTestRun(test, settings).Run();
  }
  return 0;
}
