// SPDX-License-Identifier: Apache-2.0
// The keys of all discovery mechanisms as rows of a block that has them.
#pragma once

#include <utility>
#include <vector>

#include "server/config/codecs.h"
#include "server/config/field_tables.h"

namespace vigil::config {

// Gives the part of a block that derives from it.
struct DiscoveryOf {
  static DiscoveryConfig& Of(DiscoveryConfig& whole) { return whole; }
  static const DiscoveryConfig& Of(const DiscoveryConfig& whole) { return whole; }
};
// REQUIRES: T is derived from DiscoveryConfig.
template <typename T>
void AddDiscoveryRows(std::vector<Field<T>>* rows) {
  AddPartRows<T, DiscoveryConfig, DiscoveryOf>(std::make_index_sequence<kDiscoveryFieldCount>(),
                                               rows);
  for (const Field<DiscoveryConfig>& row :
       FieldsOf<DiscoveryConfig>().subspan(kDiscoveryFieldCount)) {
    rows->push_back(NotYet<T>(row.name, row.help, row.support));
  }
}

}  // namespace vigil::config
