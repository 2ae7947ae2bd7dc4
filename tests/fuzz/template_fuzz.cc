// SPDX-License-Identifier: Apache-2.0
// No text may crash parser, evaluator or HTML escaping, nor escape the limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/template.h"
#include "tests/support/template_data.h"

namespace {

constexpr std::string_view kFuzzData =
    R"(notification({"receiver":"r","status":"firing","alerts":[{"status":"firing",)"
    R"("labels":{"alertname":"A","job":"<x>"},"annotations":{"s":"it's"},)"
    R"("startsAt":"2024-01-02T03:04:05Z"}],"commonLabels":{"a":"b"}}))";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using vigil::tmpl::Value;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const Value value = *vigil::testing_support::ParseTemplateData(kFuzzData);
  vigil::tmpl::Limits limits;
  limits.max_output_bytes = 1 << 16;
  limits.max_steps = 20'000;
  const vigil::ManualClock clock(1'704'164'645'000);
  vigil::tmpl::Environment environment;
  environment.clock = &clock;
  environment.query = [](std::string_view) {
    return vigil::Result<std::vector<vigil::tmpl::QuerySample>>(
        std::vector<vigil::tmpl::QuerySample>{{vigil::Labels::Of({{"job", "x"}}), 1, ""}});
  };
  for (const auto& rows :
       {vigil::tmpl::PrometheusFunctions(), vigil::tmpl::AlertmanagerFunctions()}) {
    vigil::tmpl::TemplateSet set(rows);
    if (!set.Parse("t", text)) continue;
    const auto plain = set.Execute("t", value, environment, limits);
    CHECK(!plain || plain->size() <= limits.max_output_bytes);
    const auto html = set.ExecuteHtml("t", value, environment, limits);
    CHECK(!html || html->size() <= limits.max_output_bytes);
  }
  return 0;
}
