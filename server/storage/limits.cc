// SPDX-License-Identifier: Apache-2.0
#include "server/storage/limits.h"

#include <string>

#include "client-lib/base/strings.h"

namespace vigil::storage {
namespace {

// Enough to recognise the metric by.
std::string BeginOf(std::string_view name) {
  constexpr size_t kEnough = 100;
  if (name.size() <= kEnough) return Quote(name);
  size_t end = kEnough;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return Quote(name.substr(0, end)) + "...";
}

}  // namespace

bool MetricNameFits(std::string_view name) {
  if (name.size() <= kMaxMetricNameBytes / 3) return true;
  return name.size() <= kMaxMetricNameBytes && name.find('\0') == std::string_view::npos &&
         IsValidUtf8(name);
}

Result<void> CheckLengths(const Labels& labels) {
  // Nearly always enough is known without looking at the labels.
  if (labels.HeapBytes() <= kMaxMetricNameBytes / 3) return Ok();
  const std::string_view name = labels.MetricName();
  if (!MetricNameFits(name)) {
    return BadData("the name of a metric has " + std::to_string(name.size()) + " bytes, at most " +
                   std::to_string(kMaxMetricNameBytes) +
                   " of UTF-8 are possible: " + BeginOf(name) + " was not created");
  }
  size_t bytes = 0;
  for (const LabelView label : labels) bytes += label.name.size() + label.value.size();
  if (bytes <= kMaxLabelBytes) return Ok();
  return BadData("the labels of a series have " + std::to_string(bytes) + " bytes, at most " +
                 std::to_string(kMaxLabelBytes) + " are possible: a series of " + BeginOf(name) +
                 " was not created");
}

}  // namespace vigil::storage
