// SPDX-License-Identifier: Apache-2.0
// The inverted index: label name -> value -> refs of the series that have it, and matchers
// answered from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "server/head/ref_list.h"
#include "server/head/ref_set.h"
#include "server/head/series_slots.h"
#include "server/storage/cardinality.h"

namespace vigil::head {

// Threads: any; Add() one at a time.
class Postings {
 public:
  // The slots must outlive the index; series are never removed from them.
  explicit Postings(const SeriesSlots& slots) : slots_(slots) {}

  // REQUIRES: ref is above all before.
  void Add(SeriesRef ref);

  // Refs of the series that match all, rising. As upstream, a missing label is an empty value.
  [[nodiscard]] Refs Match(const std::vector<Matcher>& matchers) const;
  // All refs, by value of the label (sorted), those without it last.
  [[nodiscard]] Refs AllBy(std::string_view name) const;
  // All refs, in the order of the label sets.
  [[nodiscard]] Refs AllByLabels() const;

  // How many series have this label.
  [[nodiscard]] size_t Count(std::string_view name, std::string_view value) const;
  [[nodiscard]] std::vector<std::string> Names() const;
  [[nodiscard]] std::vector<std::string> Values(std::string_view name) const;
  // The same, sorted, of these series only. REQUIRES: refs of this index.
  [[nodiscard]] std::vector<std::string> NamesOf(std::span<const SeriesRef> refs) const;
  [[nodiscard]] std::vector<std::string> ValuesOf(std::string_view name,
                                                  std::span<const SeriesRef> refs) const;

  [[nodiscard]] storage::Cardinality GetCardinality(size_t limit) const;

  struct Size {
    size_t names = 0;
    size_t pairs = 0;
    size_t bytes = 0;  // an estimate
  };
  [[nodiscard]] Size size() const;

 private:
  // Keys are views into the label sets of the slots. Ordered: values are asked for in order, and
  // a prefix is a range.
  using ValueMap = std::map<std::string_view, RefList>;
  struct Name {
    ValueMap values;
    size_t refs = 0;
  };

  // A matcher that is not trivial, with what the index says about it.
  struct Term;
  struct Numbers;
  enum class Asks { kNothing, kAll, kSome };

  [[nodiscard]] const Name* Find(std::string_view name) const;
  Asks Analyse(const Matcher& matcher, Term* term) const;
  void Collect(Term* term) const;
  void CollectCheap(std::vector<Term>* terms) const;
  void Restrict(Term* term, Refs* refs) const;
  void Filter(const Matcher& matcher, Refs* refs) const;
  [[nodiscard]] Refs All() const;
  [[nodiscard]] Numbers NumberLabels() const;

  const SeriesSlots& slots_;
  mutable std::shared_mutex mutex_;  // guards all below
  std::map<std::string_view, Name> names_;
  uint32_t max_ref_ = 0;
  size_t pairs_ = 0;
  size_t list_bytes_ = 0;
};

}  // namespace vigil::head
