// SPDX-License-Identifier: Apache-2.0
// The metrics of one push: read, given the group's labels, and written down ready for scrapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/exposition/text_reader.h"
#include "pushgateway/grouping_key.h"

namespace vigil::pushgateway {

// Immutable once read. text holds one line per sample, sorted by label values.
struct PushedFamily {
  struct Series {
    uint64_t hash;   // of its name and labels
    uint32_t begin;  // of them in text
    uint32_t size;
  };

  std::string name;
  std::string help;  // escaped, as the page has it; may be empty
  exposition::MetricType type = exposition::MetricType::kUnknown;
  std::string text;
  std::vector<Series> series;  // sorted by hash

  [[nodiscard]] std::string_view SeriesText(const Series& row) const {
    return std::string_view(text).substr(row.begin, row.size);
  }
  // Names that no other family may use for its samples: a histogram h owns h, h_bucket, h_sum and
  // h_count.
  [[nodiscard]] std::vector<std::string> ReservedNames() const;
};
using FamilyPtr = std::shared_ptr<const PushedFamily>;

// Families the gateway makes itself for every group.
inline constexpr std::string_view kPushTime = "push_time_seconds";
inline constexpr std::string_view kPushFailureTime = "push_failure_time_seconds";

struct ParsedPush {
  std::vector<FamilyPtr> families;  // sorted by name
  // Not empty: the page can be read but must not be stored, for this reason.
  std::string inconsistency;
};

// Labels of the key override those in the body; a missing `instance` is added with an empty value
// so that the scraper does not put its own there. bad_data: the page cannot be read; the message
// names the line. Limits: text format 0.0.4.
Result<ParsedPush> ParsePush(std::string_view body, const GroupingKey& key);

// `name{labels} value\n` with the key's labels alone, for push_time_seconds and its like.
std::string GroupSampleLine(std::string_view name, const GroupingKey& key, double value);

// "counter", "untyped", ...: the word of the text format.
std::string_view TextTypeName(exposition::MetricType type);

}  // namespace vigil::pushgateway
