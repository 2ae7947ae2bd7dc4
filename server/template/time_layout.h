// SPDX-License-Identifier: Apache-2.0
// Go's reference layout, cut into its elements: Mon Jan 2 15:04:05 MST 2006 with its variants.
#pragma once

#include <string_view>

namespace vigil::tmpl {

enum class TimeElement {
  kNone,                 // the layout ends
  kLongMonth,            // January
  kMonth,                // Jan
  kNumMonth,             // 1
  kZeroMonth,            // 01
  kLongWeekday,          // Monday
  kWeekday,              // Mon
  kDay,                  // 2
  kUnderDay,             // _2
  kZeroDay,              // 02
  kUnderYearDay,         // __2
  kZeroYearDay,          // 002
  kHour,                 // 15
  kHour12,               // 3
  kZeroHour12,           // 03
  kMinute,               // 4
  kZeroMinute,           // 04
  kSecond,               // 5
  kZeroSecond,           // 05
  kLongYear,             // 2006
  kYear,                 // 06
  kPM,                   // PM
  kpm,                   // pm
  kZone,                 // MST
  kIsoZone,              // Z0700
  kIsoColonZone,         // Z07:00
  kIsoShortZone,         // Z07
  kIsoSecondsZone,       // Z070000
  kIsoColonSecondsZone,  // Z07:00:00
  kNumZone,              // -0700
  kNumColonZone,         // -07:00
  kNumShortZone,         // -07
  kNumSecondsZone,       // -070000
  kNumColonSecondsZone,  // -07:00:00
  kFraction0,            // .000 or ,000: always so many digits
  kFraction9,            // .999 or ,999: without trailing zeros
};

struct TimeLayoutPart {
  std::string_view text;  // stands before the element
  TimeElement element = TimeElement::kNone;
  size_t digits = 0;          // of fractions
  char separator = '.';       // of fractions
  std::string_view spelling;  // the element as the layout has it
};

// Cuts the next part off the front of the layout.
TimeLayoutPart NextTimePart(std::string_view* layout);

}  // namespace vigil::tmpl
