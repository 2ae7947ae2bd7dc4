// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/metadata_cache.h"

#include <algorithm>

namespace vigil::scrape {

void MetadataCache::BeginPage() {
  ++page_;
  cursor_ = 0;
  declared_ = 0;
}

// HELP and TYPE of a family are neighbours, and families keep their order: the wanted row is the
// one at the cursor or the next, else it is looked up.
MetadataCache::Row& MetadataCache::RowOf(std::string_view metric) {
  if (cursor_ >= rows_.size() || rows_[cursor_].metric != metric) {
    if (cursor_ + 1 < rows_.size() && rows_[cursor_ + 1].metric == metric) {
      ++cursor_;
    } else {
      auto [found, inserted] = by_metric_.try_emplace(std::string(metric), rows_.size());
      if (inserted) {
        rows_.emplace_back().metric = metric;
        changed_ = true;
      }
      cursor_ = found->second;
    }
  }
  Row& row = rows_[cursor_];
  if (row.page != page_) ++declared_;
  row.page = page_;
  return row;
}

void MetadataCache::Help(std::string_view metric, std::string_view escaped_help) {
  Row& row = RowOf(metric);
  if (row.escaped_help == escaped_help) return;
  row.escaped_help = escaped_help;
  changed_ = true;
}

void MetadataCache::Type(std::string_view metric, exposition::MetricType type) {
  Row& row = RowOf(metric);
  if (row.type == type) return;
  row.type = type;
  changed_ = true;
}

void MetadataCache::Unit(std::string_view metric, std::string_view unit) {
  Row& row = RowOf(metric);
  if (row.unit == unit) return;
  row.unit = unit;
  changed_ = true;
}

std::shared_ptr<const MetadataRows> MetadataCache::EndPage(bool good) {
  if (good && declared_ != rows_.size()) Forget();
  if (!changed_) return nullptr;
  changed_ = false;
  return Rows();
}

void MetadataCache::Forget() {
  auto old = [&](const Row& row) { return page_ - row.page > kKeepPages; };
  size_t before = rows_.size();
  rows_.erase(std::remove_if(rows_.begin(), rows_.end(), old), rows_.end());
  if (rows_.size() == before) return;
  changed_ = true;
  by_metric_.clear();
  for (size_t i = 0; i < rows_.size(); ++i) by_metric_[rows_[i].metric] = i;
}

std::shared_ptr<const MetadataRows> MetadataCache::Rows() const {
  auto rows = std::make_shared<MetadataRows>();
  rows->reserve(rows_.size());
  for (const Row& row : rows_) {
    rows->push_back({row.metric, row.type, exposition::UnescapeHelp(row.escaped_help), row.unit});
  }
  std::sort(rows->begin(), rows->end(),
            [](const auto& a, const auto& b) { return a.metric < b.metric; });
  return rows;
}

}  // namespace vigil::scrape
