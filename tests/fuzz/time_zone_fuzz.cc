// SPDX-License-Identifier: Apache-2.0
// Any bytes as a time zone file and as the rule at its end: an error, or an offset at any time.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/base/posix_zone_rule.h"
#include "client-lib/base/result.h"
#include "client-lib/base/time_zone.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto zone = vigil::TimeZone::Parse("fuzz", text);
  auto rule = vigil::ParsePosixZoneRule(text);
  for (const int64_t seconds : {int64_t{-99'999'999'999}, int64_t{0}, int64_t{1'800'000'000}}) {
    if (rule) CHECK(rule->OffsetAt(seconds) < 1'000'000'000);
    if (!zone) continue;
    const vigil::ZoneOffset offset = (*zone)->At(seconds);
    CHECK(offset.name.size() <= text.size());
    CHECK((*zone)->FromWallClock(seconds) < 1'000'000'000'000);
  }
  return 0;
}
