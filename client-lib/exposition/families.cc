// SPDX-License-Identifier: Apache-2.0
// Groups the lines of a page by family. A sample named h_bucket, h_sum or h_count belongs to h when
// a TYPE line in front of it has made h a histogram (or, but for the buckets, a summary).
#include "client-lib/exposition/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::exposition {
namespace {

constexpr std::string_view kSuffixes[] = {"_bucket", "_sum", "_count"};

bool TakesSuffix(MetricType type, std::string_view suffix) {
  return type == MetricType::kHistogram || (type == MetricType::kSummary && suffix != "_bucket");
}

// Threads: owner thread only.
class Grouper {
 public:
  explicit Grouper(std::string_view page) : reader_(page) {}

  Result<std::vector<Family>> Run() {
    for (;;) {
      const Entry entry = TRY(reader_.Next());
      if (entry.kind == EntryKind::kEnd) break;
      if (entry.kind == EntryKind::kHelp) TRY(AddHelp(entry));
      if (entry.kind == EntryKind::kType) TRY(AddType(entry));
      if (entry.kind == EntryKind::kSample) TRY(AddSample(entry));
    }
    std::vector<Family> families;
    for (Group& group : groups_) {
      if (!group.family.points.empty()) families.push_back(std::move(group.family));
    }
    return families;
  }

 private:
  struct Group {
    Family family;
    bool has_type = false;
    // Hashes of suffix and labels; equal hashes are compared against the points themselves.
    std::unordered_multimap<uint64_t, size_t> seen;
  };

  template <typename... Args>
  [[nodiscard]] Error Fail(fmt::format_string<Args...> format, Args&&... args) const {
    return BadData(fmt::format("line {}: {}", reader_.line(),
                               fmt::format(format, std::forward<Args>(args)...)));
  }

  Group& GroupOf(std::string_view name) {
    const auto [found, added] = by_name_.try_emplace(std::string(name), groups_.size());
    if (added) groups_.emplace_back().family.name = name;
    return groups_[found->second];
  }

  Result<void> AddHelp(const Entry& entry) {
    Group& group = GroupOf(entry.series);
    if (group.family.has_help) {
      return Fail("second HELP line for metric name {}", Quote(entry.series));
    }
    group.family.has_help = true;
    group.family.help = UnescapeHelp(entry.help);
    return Ok();
  }

  Result<void> AddType(const Entry& entry) {
    Group& group = GroupOf(entry.series);
    if (group.has_type || !group.family.points.empty()) {
      return Fail("second TYPE line for metric name {}, or TYPE reported after samples",
                  Quote(entry.series));
    }
    group.has_type = true;
    group.family.type = entry.type;
    return Ok();
  }

  // The group of a histogram or summary that this is a part of; null when there is none.
  Group* ParentOf(std::string_view name, std::string_view* suffix) {
    for (const std::string_view candidate : kSuffixes) {
      if (!name.ends_with(candidate)) continue;
      const auto found = by_name_.find(std::string(name.substr(0, name.size() - candidate.size())));
      if (found == by_name_.end()) continue;
      Group& group = groups_[found->second];
      if (!TakesSuffix(group.family.type, candidate)) continue;
      *suffix = candidate;
      return &group;
    }
    return nullptr;
  }

  Result<void> AddSample(const Entry& entry) {
    if (const Result<void> parsed = ParseSeriesPairs(entry.series, &pairs_); !parsed) {
      return Fail("{}", parsed.error().message);
    }
    const std::string name = pairs_.front().second;
    Point point{{}, {}, {}, entry.value, entry.timestamp};
    labels_.clear();
    for (size_t i = 1; i < pairs_.size(); ++i) {
      labels_.push_back({pairs_[i].first, pairs_[i].second});
      if (pairs_[i].second.empty()) point.empty_labels.push_back(pairs_[i].first);
    }
    // A family with exactly this name comes first, as upstream has it.
    const bool known = by_name_.contains(name);
    Group* group = known ? nullptr : ParentOf(name, &point.suffix);
    if (group == nullptr) group = &GroupOf(name);
    point.labels = Labels::Of(labels_);
    TRY(CheckFits(group->family, point));
    return AddPoint(group, std::move(point), entry.series);
  }

  Result<void> CheckFits(const Family& family, const Point& point) const {
    const bool histogram = family.type == MetricType::kHistogram;
    const bool summary = family.type == MetricType::kSummary;
    if (histogram && point.suffix.empty()) {
      return Fail("sample {} is neither _bucket, _sum nor _count of the histogram",
                  Quote(family.name));
    }
    const std::string_view bound = histogram && point.suffix == "_bucket" ? "le"
                                   : summary && point.suffix.empty()      ? "quantile"
                                                                          : "";
    if (bound.empty()) return Ok();
    const std::string_view text = point.labels.Get(bound);
    if (!ParseExpositionFloat(text)) {
      return Fail("expected float as value for '{}' label, got {}", bound, Quote(text));
    }
    return Ok();
  }

  Result<void> AddPoint(Group* group, Point point, std::string_view series) {
    const uint64_t hash = point.labels.Hash() + std::hash<std::string_view>()(point.suffix);
    const auto [begin, end] = group->seen.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      const Point& other = group->family.points[it->second];
      if (other.suffix == point.suffix && other.labels == point.labels) {
        return Fail("the series {} is there twice", Quote(series));
      }
    }
    group->seen.emplace(hash, group->family.points.size());
    group->family.points.push_back(std::move(point));
    return Ok();
  }

  TextReader reader_;
  SeriesPairs pairs_;
  std::vector<LabelView> labels_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, size_t> by_name_;
};

}  // namespace

Result<std::vector<Family>> ParseFamilies(std::string_view page) { return Grouper(page).Run(); }

}  // namespace vigil::exposition
