// SPDX-License-Identifier: Apache-2.0
// How long what senders make up may be, so that one series never stops the journal of all.
#pragma once

#include <cstddef>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"

namespace vigil::storage {

// The database has an index of metric names, whose entries are bounded (2,704 bytes).
inline constexpr size_t kMaxMetricNameBytes = 2'000;
// All labels of a series together.
inline constexpr size_t kMaxLabelBytes = 1 << 20;

// Whether the name is short enough as the database has it: what is no UTF-8 takes three bytes for
// one there.
bool MetricNameFits(std::string_view name);

// bad_data with what is too long, and how long.
Result<void> CheckLengths(const Labels& labels);

}  // namespace vigil::storage
