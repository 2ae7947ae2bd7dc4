// SPDX-License-Identifier: Apache-2.0
// Writes text 0.0.4: from prometheus-cpp's families, from parsed families, or line by line.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/exposition/families.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::exposition {

// The Content-Type of what this file writes.
inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

enum class Order {
  kAsGiven,
  // Families by name, series by labels: the same state always gives the same page.
  kSorted,
};

// Correct where prometheus-cpp's own serializer is not: HELP is escaped, doubles read back as they
// were, NaN has its spelling. A histogram always ends with its +Inf bucket.
std::string WriteText(const std::vector<prometheus::MetricFamily>& families,
                      Order order = Order::kAsGiven);
void AppendText(const prometheus::MetricFamily& family, Order order, std::string* out);

// The labels of a point with those given as empty, sorted by name. Views into the point.
std::vector<LabelView> GivenLabels(const Point& point);

// Points in their own order. A family without has_help gets no HELP line.
void AppendText(const Family& family, std::string* out);

// Building blocks; names that are not legacy names are written quoted (text 1.0.0).
// help without escapes.
void AppendHelpLine(std::string_view name, std::string_view help, std::string* out);
// Types that 0.0.4 does not know are written as the nearest that it does.
void AppendTypeLine(std::string_view name, MetricType type, std::string* out);
// name_suffix{a="b",c="d"}; __name__ among the labels is skipped.
void AppendSeries(std::string_view name, std::string_view suffix, std::span<const LabelView> labels,
                  std::string* out);
// " value timestamp\n"
void AppendValue(double value, std::optional<TimestampMs> timestamp, std::string* out);

void AppendEscapedLabelValue(std::string_view value, std::string* out);

}  // namespace vigil::exposition
