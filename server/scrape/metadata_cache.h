// SPDX-License-Identifier: Apache-2.0
// The HELP, TYPE and UNIT lines of one target, remembered so that unchanged ones cost a comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/exposition/text_reader.h"
#include "server/scrape/target.h"

namespace vigil::scrape {

// Threads: owner thread only.
class MetadataCache {
 public:
  // Families stay for this many pages after they were last declared.
  static constexpr uint32_t kKeepPages = 10;

  void BeginPage();
  void Help(std::string_view metric, std::string_view escaped_help);
  void Type(std::string_view metric, exposition::MetricType type);
  void Unit(std::string_view metric, std::string_view unit);
  // Forgets what was not declared for long (after a good page only). Returns the rows when they
  // changed since the last call, else null.
  std::shared_ptr<const MetadataRows> EndPage(bool good);

  // All rows as they are now.
  [[nodiscard]] std::shared_ptr<const MetadataRows> Rows() const;
  [[nodiscard]] size_t size() const { return rows_.size(); }

 private:
  struct Row {
    std::string metric;
    std::string escaped_help;
    std::string unit;
    exposition::MetricType type = exposition::MetricType::kUnknown;
    uint32_t page = 0;
  };
  Row& RowOf(std::string_view metric);
  void Forget();

  std::vector<Row> rows_;  // in the order of first declaration
  std::unordered_map<std::string, size_t> by_metric_;
  size_t cursor_ = 0;
  uint32_t page_ = 0;
  size_t declared_ = 0;  // rows on this page
  bool changed_ = false;
};

}  // namespace vigil::scrape
