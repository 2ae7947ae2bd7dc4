// SPDX-License-Identifier: Apache-2.0
// Label sets: immutable, sorted by name, one allocation each, cheap to copy.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil {

inline constexpr std::string_view kMetricName = "__name__";

struct LabelView {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const LabelView&) const = default;
};

// A set of name-value pairs, sorted by name, names unique, no empty values (an empty value is the
// same as a missing label). Copying shares the storage; views returned live as long as any copy.
// Threads: any (immutable).
class Labels {
 public:
  Labels() = default;
  Labels(const Labels& other) : rep_(other.rep_) { Ref(); }
  Labels(Labels&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Labels& operator=(Labels other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Labels() { Unref(); }

  // Sorts, drops empty values; of equal names the last wins.
  static Labels Of(std::initializer_list<LabelView> pairs);
  static Labels Of(std::vector<LabelView> pairs);
  // REQUIRES: sorted by name, unique, values of labels not empty (annotations.h may have empty
  // ones). Copies the bytes once.
  static Labels FromSorted(std::span<const LabelView> pairs);

  [[nodiscard]] size_t size() const { return rep_ == nullptr ? 0 : rep_->count; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  // REQUIRES: i < size()
  [[nodiscard]] LabelView operator[](size_t i) const;
  // Empty when missing.
  [[nodiscard]] std::string_view Get(std::string_view name) const;
  [[nodiscard]] bool Has(std::string_view name) const;
  [[nodiscard]] std::string_view MetricName() const { return Get(kMetricName); }

  // 64 bits over names and values, stable across processes and versions of Vigil.
  [[nodiscard]] uint64_t Hash() const { return rep_ == nullptr ? kEmptyHash : rep_->hash; }
  // The hash over the given names only, or over all but those (missing names do not count).
  // REQUIRES: names sorted.
  [[nodiscard]] uint64_t HashOnly(std::span<const std::string> names) const;
  [[nodiscard]] uint64_t HashWithout(std::span<const std::string> names) const;
  // REQUIRES: names sorted. KeepOnly keeps exactly those; Without also keeps __name__ unless
  // listed.
  [[nodiscard]] Labels KeepOnly(std::span<const std::string> names) const;
  [[nodiscard]] Labels Without(std::span<const std::string> names) const;
  [[nodiscard]] Labels WithoutName() const;

  bool operator==(const Labels& other) const;
  // Name by name, then value, as upstream sorts results.
  std::strong_ordering operator<=>(const Labels& other) const;

  // {a="b", c="d"} with Go-quoted values; __name__ as any other label.
  [[nodiscard]] std::string ToString() const;
  // name{a="b", c="d"}: how PromQL prints a metric.
  [[nodiscard]] std::string ToMetricString() const;

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = LabelView;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = LabelView;

    Iterator(const Labels* labels, size_t i) : labels_(labels), i_(i) {}
    LabelView operator*() const { return (*labels_)[i_]; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++i_;
      return before;
    }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }

   private:
    const Labels* labels_;
    size_t i_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }

  // Bytes of heap this set holds (shared by its copies).
  [[nodiscard]] size_t HeapBytes() const { return rep_ == nullptr ? 0 : rep_->heap_bytes; }

 private:
  static constexpr uint64_t kEmptyHash = 0xef46db3751d8e999ULL;  // xxh64 of nothing

  // Header of one allocation; behind it 2*count+1 offsets (uint32) and the characters.
  struct Rep {
    std::atomic<uint32_t> refs;
    uint32_t count;
    uint64_t hash;
    uint32_t heap_bytes;
    [[nodiscard]] const uint32_t* offsets() const {
      return reinterpret_cast<const uint32_t*>(this + 1);
    }
    [[nodiscard]] const char* chars() const {
      return reinterpret_cast<const char*>(offsets() + 2 * count + 1);
    }
  };

  explicit Labels(Rep* rep) : rep_(rep) {}
  void Ref() const {
    if (rep_ != nullptr) rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void Unref();

  Rep* rep_ = nullptr;
};

// Collects changes to a label set; reusable, keeps its capacity.
// Threads: owner thread only.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { Reset(base); }
  void Reset() { pairs_.clear(); }
  void Reset(const Labels& base);
  // An empty value deletes.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Delete(std::string_view name);
  // Valid until the next change. Empty when missing.
  [[nodiscard]] std::string_view Get(std::string_view name) const;
  [[nodiscard]] bool Has(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& pairs() const {
    return pairs_;
  }
  [[nodiscard]] Labels Build() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;  // unsorted, names unique
};

// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLegacyLabelName(std::string_view name);
// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsLegacyMetricName(std::string_view name);
// Prometheus 3: any non-empty valid UTF-8.
bool IsUtf8Name(std::string_view name);

}  // namespace vigil

template <>
struct std::hash<vigil::Labels> {
  size_t operator()(const vigil::Labels& labels) const noexcept { return labels.Hash(); }
};
