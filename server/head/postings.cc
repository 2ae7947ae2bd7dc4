// SPDX-License-Identifier: Apache-2.0
#include "server/head/postings.h"

#include <algorithm>
#include <mutex>

namespace vigil::head {
void Postings::Add(SeriesRef ref) {
  const Labels& labels = slots_.labels(ref);
  const std::lock_guard<std::shared_mutex> lock(mutex_);
  max_ref_ = static_cast<uint32_t>(ref);
  for (const LabelView label : labels) {
    Name& name = names_[label.name];
    const auto [entry, created] = name.values.try_emplace(label.value);
    if (created) ++pairs_;
    const size_t before = entry->second.heap_bytes();
    entry->second.Add(static_cast<uint32_t>(ref));
    list_bytes_ += entry->second.heap_bytes() - before;
    ++name.refs;
  }
}

const Postings::Name* Postings::Find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

Refs Postings::AllBy(std::string_view name) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  Refs refs;
  refs.reserve(max_ref_);
  std::vector<bool> has(max_ref_ + 1);
  if (const Name* found = Find(name)) {
    for (const auto& [value, list] : found->values) {
      for (const uint32_t ref : list.refs()) {
        refs.push_back(ref);
        has[ref] = true;
      }
    }
  }
  for (uint32_t ref = 1; ref <= max_ref_; ++ref) {
    if (!has[ref]) refs.push_back(ref);
  }
  return refs;
}

size_t Postings::Count(std::string_view name, std::string_view value) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const Name* const found = Find(name);
  if (found == nullptr) return 0;
  const auto refs = found->values.find(value);
  return refs == found->values.end() ? 0 : refs->second.refs().size();
}

std::vector<std::string> Postings::Names() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const auto& [name, values] : names_) names.emplace_back(name);
  return names;
}

std::vector<std::string> Postings::Values(std::string_view name) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::string> values;
  const Name* found = Find(name);
  if (found == nullptr) return values;
  values.reserve(found->values.size());
  for (const auto& [value, list] : found->values) values.emplace_back(value);
  return values;
}

Postings::Size Postings::size() const {
  constexpr size_t kNodeBytes = 32 + 16 + sizeof(RefList) + 16;  // links, key, list, malloc
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return {names_.size(), pairs_, pairs_ * kNodeBytes + list_bytes_};
}

}  // namespace vigil::head
