// SPDX-License-Identifier: Apache-2.0
// Where collectors put their samples: families and samples as text rows, no object per sample.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/labels.h"

namespace vigil::toolkit {

// One scrape's samples. Families may be declared and filled in any order and from several
// collectors (same name, type and help); Render() sorts families by name and series by label
// values, as client_golang does. Clear() keeps capacity.
// Threads: owner thread only; Merge joins the sinks of parallel collectors.
class MetricSink {
 public:
  using FamilyId = size_t;
  using MetricType = exposition::MetricType;

  // The family, created when new. help without escapes.
  FamilyId Family(std::string_view name, std::string_view help, MetricType type);
  // Labels in any order; rendered sorted by name. A suffix ("_bucket", "_sum", "_count") goes
  // behind the family's name.
  void Add(FamilyId family, std::span<const LabelView> labels, double value,
           std::string_view suffix = {});
  void Add(FamilyId family, std::initializer_list<LabelView> labels, double value) {
    Add(family, std::span<const LabelView>(labels.begin(), labels.size()), value);
  }
  void Add(FamilyId family, double value) { Add(family, std::span<const LabelView>(), value); }

  // Family with one sample, in one call.
  void Gauge(std::string_view name, std::string_view help, double value,
             std::initializer_list<LabelView> labels = {}) {
    Add(Family(name, help, MetricType::kGauge), labels, value);
  }
  void Counter(std::string_view name, std::string_view help, double value,
               std::initializer_list<LabelView> labels = {}) {
    Add(Family(name, help, MetricType::kCounter), labels, value);
  }

  void Merge(const MetricSink& other);
  // Appends text 0.0.4. A series given twice is rendered once and described in *problems (when
  // not null), as is a family declared with two types.
  void Render(std::string* out, std::vector<std::string>* problems = nullptr) const;
  void Clear();

 private:
  struct FamilyRow {
    std::string name;
    std::string help;
    MetricType type = MetricType::kUnknown;
    bool live = false;            // declared since Clear(); dead rows keep their memory
    std::vector<size_t> samples;  // indexes into samples_
  };
  // In text_: the rendered `suffix{labels}`, then the sort key (see AppendKey).
  struct SampleRow {
    size_t begin;
    size_t key_begin;
    size_t end;
    double value;
  };
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  static constexpr FamilyId kRefused = static_cast<FamilyId>(-1);

  void AppendSeries(std::span<const LabelView> sorted, std::string_view suffix);
  void AppendKey(std::span<const LabelView> sorted, std::string_view suffix);
  [[nodiscard]] std::string_view SeriesText(const SampleRow& row) const {
    return std::string_view(text_).substr(row.begin, row.key_begin - row.begin);
  }
  [[nodiscard]] std::string_view Key(const SampleRow& row) const {
    return std::string_view(text_).substr(row.key_begin, row.end - row.key_begin);
  }
  void RenderFamily(const FamilyRow& family, std::string* out,
                    std::vector<std::string>* problems) const;

  std::vector<FamilyRow> families_;
  std::unordered_map<std::string, FamilyId, NameHash, std::equal_to<>> by_name_;
  FamilyId expected_ = 0;  // collectors declare in the same order every time
  std::vector<SampleRow> samples_;
  std::vector<LabelView> scratch_;
  std::string text_;
  std::vector<std::string> problems_;
};

}  // namespace vigil::toolkit
