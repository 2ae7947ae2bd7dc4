// SPDX-License-Identifier: Apache-2.0
#include "server/cli/features.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "client-lib/base/strings.h"

namespace vigil::cli {
namespace {

struct FeatureRow {
  std::string_view name;
  void (*enable)(promql::EngineOptions* engine);  // null: always on, or nothing to switch
};

constexpr std::array kFeatures = {
    FeatureRow{"promql-experimental-functions",
               [](promql::EngineOptions* o) { o->parser.experimental_functions = true; }},
    FeatureRow{"promql-extended-range-selectors",
               [](promql::EngineOptions* o) { o->parser.extended_range_selectors = true; }},
    FeatureRow{"promql-binop-fill-modifiers",
               [](promql::EngineOptions* o) { o->parser.fill_modifiers = true; }},
    FeatureRow{"promql-delayed-name-removal",
               [](promql::EngineOptions* o) { o->delayed_name_removal = true; }},
    FeatureRow{"type-and-unit-labels",
               [](promql::EngineOptions* o) { o->type_and_unit_labels = true; }},
    FeatureRow{"promql-duration-expr", nullptr},
    FeatureRow{"promql-at-modifier", nullptr},
    FeatureRow{"promql-negative-offset", nullptr},
    FeatureRow{"no-default-scrape-port", nullptr},
};

}  // namespace

void AddFeatureFlag(toolkit::FlagSet* flags, std::vector<std::string>* features) {
  flags
      ->Strings("enable-feature",
                "Comma separated feature names to enable: promql-experimental-functions, "
                "promql-extended-range-selectors, promql-binop-fill-modifiers, "
                "promql-delayed-name-removal, type-and-unit-labels.",
                features)
      .Placeholder("...");
}

promql::EngineOptions EngineWith(const std::vector<std::string>& features) {
  promql::EngineOptions engine;
  for (const std::string& list : features) {
    for (const std::string_view word : Split(list, ',')) {
      const std::string_view name = TrimSpace(word);
      if (name.empty()) continue;
      bool known = false;
      for (const FeatureRow& row : kFeatures) {
        if (row.name != name) continue;
        known = true;
        if (row.enable != nullptr) row.enable(&engine);
      }
      if (!known) {
        std::fprintf(stderr, "  WARNING: unknown option %s for --enable-feature\n",
                     Quote(name).c_str());
      }
    }
  }
  return engine;
}

}  // namespace vigil::cli
