// SPDX-License-Identifier: Apache-2.0
// No text may crash the parser, and what parses must print to a text that parses to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/promql/parser.h"
#include "tests/support/big_stack.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto options = vigil::promql::ParserOptions::EverythingOn();
  static_cast<void>(vigil::promql::ParseMetric(text));
  static_cast<void>(vigil::promql::ParseMetricSelector(text));
  vigil::tests::RunOnBigStack([&] {
    const auto expr = vigil::promql::ParseExpr(text, options);
    if (!expr) return;
    const std::string printed = vigil::promql::Print(**expr);
    const auto again = vigil::promql::ParseExpr(printed, options);
    CHECK(again.has_value());
    CHECK(vigil::promql::Print(**again) == printed);
  });
  return 0;
}
