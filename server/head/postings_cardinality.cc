// SPDX-License-Identifier: Apache-2.0
// The largest names, values and pairs of the index.
#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/head/postings.h"

namespace vigil::head {
namespace {

// A pair of views: text is made of the few that are left only.
struct Counted {
  std::string_view label;
  std::string_view value;
  uint64_t count = 0;
};

// Keeps the largest of many.
class Largest {
 public:
  explicit Largest(size_t limit) : limit_(limit) {}

  void Add(const Counted& item) {
    if (heap_.size() == limit_) {
      if (limit_ == 0 || !Before(item, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), Before);
      heap_.pop_back();
    }
    heap_.push_back(item);
    std::push_heap(heap_.begin(), heap_.end(), Before);
  }

  template <typename NameOf>
  storage::NamedCounts Take(const NameOf& name_of) {
    std::sort(heap_.begin(), heap_.end(), Before);
    storage::NamedCounts out;
    for (const Counted& item : heap_) out.emplace_back(name_of(item), item.count);
    return out;
  }

 private:
  static bool Before(const Counted& a, const Counted& b) {
    if (a.count != b.count) return a.count > b.count;
    return a.label != b.label ? a.label < b.label : a.value < b.value;
  }

  const size_t limit_;
  std::vector<Counted> heap_;  // its front is the smallest
};

std::string LabelOf(const Counted& item) { return std::string(item.label); }
std::string ValueOf(const Counted& item) { return std::string(item.value); }
std::string PairOf(const Counted& item) {
  return std::string(item.label) + "=" + std::string(item.value);
}

}  // namespace

storage::Cardinality Postings::GetCardinality(size_t limit) const {
  Largest metrics(limit);
  Largest values(limit);
  Largest bytes(limit);
  Largest pairs(limit);
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  for (const auto& [label, name] : names_) {
    uint64_t size = 0;
    for (const auto& [value, list] : name.values) {
      const uint64_t series = list.refs().size();
      size += series * value.size();
      if (label == kMetricName) metrics.Add({label, value, series});
      pairs.Add({label, value, series});
    }
    values.Add({label, {}, name.values.size()});
    bytes.Add({label, {}, size});
  }
  return {metrics.Take(ValueOf), values.Take(LabelOf), bytes.Take(LabelOf), pairs.Take(PairOf)};
}

}  // namespace vigil::head
