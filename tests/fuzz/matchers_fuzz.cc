// SPDX-License-Identifier: Apache-2.0
// Any bytes as matchers: an error, or matchers whose printed form means the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/base/strings.h"
#include "server/alerting/matcher_parser.h"

namespace {

using vigil::alerting::LabelMatchers;

void CheckReadBack(const vigil::Result<LabelMatchers>& matchers) {
  if (!matchers) {
    CHECK(!matchers.error().message.empty());
    return;
  }
  // An empty name, quoted, can be read but has no printed form.
  for (const auto& matcher : *matchers) {
    if (matcher.name().empty()) return;
  }
  auto again = vigil::alerting::ParseUtf8Matchers(ToString(*matchers));
  CHECK(again);
  CHECK(*again == *matchers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckReadBack(vigil::alerting::ParseUtf8Matchers(text));
  CheckReadBack(vigil::alerting::ParseClassicMatchers(text));
  vigil::alerting::MatcherParser parser;
  CheckReadBack(parser.ParseList(text));
  auto one = parser.ParseOne(text);
  CHECK(one || !one.error().message.empty());
  return 0;
}
