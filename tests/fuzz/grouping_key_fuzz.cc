// SPDX-License-Identifier: Apache-2.0
// The gateway's untrusted input: the path before the first newline, the pushed page behind it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "client-lib/exposition/families.h"
#include "pushgateway/group_store.h"
#include "pushgateway/grouping_key.h"
#include "pushgateway/page.h"
#include "pushgateway/pushed_family.h"

using vigil::pushgateway::GroupingKey;
using vigil::pushgateway::GroupStore;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t newline = input.find('\n');
  const auto key = GroupingKey::Parse(input.substr(0, newline));
  if (!key || newline == std::string_view::npos) return 0;
  const auto push = vigil::pushgateway::ParsePush(input.substr(newline + 1), *key);
  if (!push) return 0;
  GroupStore store;
  if (!store.Push(*key, *push, GroupStore::Mode::kPost, 1000)) return 0;
  // What was taken must make a page that everybody can read.
  const auto page = vigil::pushgateway::RenderMetrics("", store.TakeSnapshot(), true);
  if (!page || !vigil::exposition::ParseFamilies(*page)) std::abort();
  vigil::pushgateway::RenderMetricsJson(store.TakeSnapshot());
  return 0;
}
