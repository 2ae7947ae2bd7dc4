// SPDX-License-Identifier: Apache-2.0
// Text is rendered as samples come in; Render() only sorts and joins.
#include "exporters/toolkit/metric_sink.h"

#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::toolkit {
namespace {

// A byte that is not UTF-8 would make a scraper refuse the whole page.
std::string WithReplacements(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t take = 1;
    while (take < 4 && take < text.size() && !IsValidUtf8(text.substr(0, take))) ++take;
    if (IsValidUtf8(text.substr(0, take))) {
      out.append(text.substr(0, take));
      text.remove_prefix(take);
    } else {
      out.append("\xef\xbf\xbd");
      text.remove_prefix(1);
    }
  }
  return out;
}

void AppendEscaped(std::string_view text, bool quotes, std::string* out) {
  for (const char c : text) {
    if (c == '\\') {
      out->append("\\\\");
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '"' && quotes) {
      out->append("\\\"");
    } else {
      out->push_back(c);
    }
  }
}

void AppendLabelValue(std::string_view value, std::string* out) {
  const bool ascii =
      std::none_of(value.begin(), value.end(), [](char c) { return (c & 0x80) != 0; });
  if (ascii || IsValidUtf8(value)) {
    AppendEscaped(value, true, out);
  } else {
    AppendEscaped(WithReplacements(value), true, out);
  }
}

// The words of text 0.0.4, which knows five types.
std::string_view TypeText(MetricSink::MetricType type) {
  using Type = MetricSink::MetricType;
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
    case Type::kInfo:
    case Type::kStateSet:
      return "gauge";
    case Type::kHistogram:
    case Type::kGaugeHistogram:
      return "histogram";
    case Type::kSummary:
      return "summary";
    case Type::kUnknown:
      break;
  }
  return "untyped";
}

}  // namespace

MetricSink::FamilyId MetricSink::Family(std::string_view name, std::string_view help,
                                        MetricType type) {
  FamilyId id = expected_;
  if (id >= families_.size() || families_[id].name != name) {
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) {
      id = families_.size();
      families_.emplace_back().name = std::string(name);
      by_name_.emplace(name, id);
    } else {
      id = it->second;
    }
  }
  expected_ = id + 1;
  FamilyRow& family = families_[id];
  if (!family.live) {
    family.live = true;
    family.help.assign(help);
    family.type = type;
  } else if (family.type != type) {
    problems_.push_back("metric family " + family.name + " is declared as " +
                        std::string(TypeText(family.type)) + " and as " +
                        std::string(TypeText(type)) + "; the latter's samples are dropped");
    return kRefused;
  }
  return id;
}

void MetricSink::AppendSeries(std::span<const LabelView> sorted, std::string_view suffix) {
  text_.append(suffix);
  char separator = '{';
  for (const LabelView& label : sorted) {
    text_.push_back(separator);
    text_.append(label.name).append("=\"");
    AppendLabelValue(label.value, &text_);
    text_.push_back('"');
    separator = ',';
  }
  if (!sorted.empty()) text_.push_back('}');
}

// Orders as client_golang does: fewer labels first, then value by value. The lines of one
// histogram or summary stay together: le and quantile do not count, and _sum and _count come last.
void MetricSink::AppendKey(std::span<const LabelView> sorted, std::string_view suffix) {
  const size_t count_at = text_.size();
  char count = 0;
  text_.push_back(count);
  for (const LabelView& label : sorted) {
    const bool inner =
        suffix == "_bucket" ? label.name == "le" : suffix.empty() && label.name == "quantile";
    if (inner) continue;
    ++count;
    text_.append(label.value).push_back('\0');
  }
  text_[count_at] = count;
  text_.push_back(suffix == "_sum" ? '1' : suffix == "_count" ? '2' : '0');
}

void MetricSink::Add(FamilyId family, std::span<const LabelView> labels, double value,
                     std::string_view suffix) {
  if (family == kRefused) return;
  const auto by_name = [](const LabelView& a, const LabelView& b) { return a.name < b.name; };
  if (!std::is_sorted(labels.begin(), labels.end(), by_name)) {
    scratch_.assign(labels.begin(), labels.end());
    std::sort(scratch_.begin(), scratch_.end(), by_name);
    labels = scratch_;
  }
  SampleRow row{};
  row.begin = text_.size();
  AppendSeries(labels, suffix);
  row.key_begin = text_.size();
  AppendKey(labels, suffix);
  row.end = text_.size();
  row.value = value;
  families_[family].samples.push_back(samples_.size());
  samples_.push_back(row);
}

void MetricSink::Merge(const MetricSink& other) {
  const size_t shift = text_.size();
  text_.append(other.text_);
  for (const FamilyRow& theirs : other.families_) {
    if (!theirs.live) continue;
    const FamilyId id = Family(theirs.name, theirs.help, theirs.type);
    if (id == kRefused) continue;
    for (const size_t sample : theirs.samples) {
      SampleRow row = other.samples_[sample];
      row.begin += shift;
      row.key_begin += shift;
      row.end += shift;
      families_[id].samples.push_back(samples_.size());
      samples_.push_back(row);
    }
  }
  problems_.insert(problems_.end(), other.problems_.begin(), other.problems_.end());
}

void MetricSink::RenderFamily(const FamilyRow& family, std::string* out,
                              std::vector<std::string>* problems) const {
  out->append("# HELP ").append(family.name).push_back(' ');
  AppendEscaped(family.help, false, out);
  out->append("\n# TYPE ").append(family.name).push_back(' ');
  out->append(TypeText(family.type)).push_back('\n');
  std::vector<size_t> order = family.samples;
  if (order.size() > 1) {
    std::stable_sort(order.begin(), order.end(),
                     [this](size_t a, size_t b) { return Key(samples_[a]) < Key(samples_[b]); });
  }
  size_t run = 0;  // first row with the key of this one: a repeated series is among those
  for (size_t i = 0; i < order.size(); ++i) {
    const SampleRow& row = samples_[order[i]];
    if (Key(row) != Key(samples_[order[run]])) run = i;
    const bool repeated = std::any_of(
        order.begin() + static_cast<ptrdiff_t>(run), order.begin() + static_cast<ptrdiff_t>(i),
        [&](size_t j) { return SeriesText(samples_[j]) == SeriesText(row); });
    if (repeated) {
      if (problems != nullptr) {
        problems->push_back("series " + family.name + std::string(SeriesText(row)) +
                            " was collected before with the same name and label values");
      }
      continue;
    }
    out->append(family.name).append(SeriesText(row)).push_back(' ');
    AppendFloatExposition(row.value, out);
    out->push_back('\n');
  }
}

void MetricSink::Render(std::string* out, std::vector<std::string>* problems) const {
  std::vector<const FamilyRow*> order;
  order.reserve(families_.size());
  for (const FamilyRow& family : families_) {
    if (family.live && !family.samples.empty()) order.push_back(&family);
  }
  std::sort(order.begin(), order.end(),
            [](const FamilyRow* a, const FamilyRow* b) { return a->name < b->name; });
  for (const FamilyRow* family : order) RenderFamily(*family, out, problems);
  if (problems != nullptr) {
    problems->insert(problems->end(), problems_.begin(), problems_.end());
  }
}

void MetricSink::Clear() {
  for (FamilyRow& family : families_) {
    family.live = false;
    family.samples.clear();
  }
  expected_ = 0;
  samples_.clear();
  text_.clear();
  problems_.clear();
}

}  // namespace vigil::toolkit
