// SPDX-License-Identifier: Apache-2.0
// Annotations of alerts: texts by name, kept as Labels are. Other than with a label an empty text
// is a text.
#pragma once

#include <algorithm>
#include <vector>

#include "client-lib/model/labels.h"

namespace vigil {

// Sorts; of equal names the last wins.
inline Labels MakeAnnotations(std::vector<LabelView> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](LabelView a, LabelView b) { return a.name < b.name; });
  size_t kept = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overwritten = i + 1 < pairs.size() && pairs[i + 1].name == pairs[i].name;
    if (!overwritten) pairs[kept++] = pairs[i];
  }
  pairs.resize(kept);
  return Labels::FromSorted(pairs);
}

}  // namespace vigil
