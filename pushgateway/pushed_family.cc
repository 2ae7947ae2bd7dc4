// SPDX-License-Identifier: Apache-2.0
// From a pushed page to families ready for scrapes.
#include "pushgateway/pushed_family.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/families.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/labels.h"

namespace vigil::pushgateway {
namespace {

using exposition::Family;
using exposition::MetricType;
using exposition::Point;

void AppendEscaped(std::string_view value, bool quotes, std::string* out) {
  for (const char c : value) {
    if (c == '\n') {
      out->append("\\n");
      continue;
    }
    if (c == '\\' || (c == '"' && quotes)) out->push_back('\\');
    out->push_back(c);
  }
}

void AppendHead(std::string_view name, std::string_view suffix,
                const std::vector<LabelView>& labels, std::string* out) {
  out->append(name).append(suffix);
  out->push_back('{');
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out->push_back(',');
    out->append(labels[i].name).append("=\"");
    AppendEscaped(labels[i].value, /*quotes=*/true, out);
    out->push_back('"');
  }
  out->push_back('}');
}

// The key's labels and `instance` over the sample's own.
void ApplyKey(const GroupingKey& key, std::vector<LabelView>* labels) {
  std::erase_if(*labels, [&](const LabelView& label) { return key.Find(label.name) != nullptr; });
  for (const auto& [name, value] : key.labels()) labels->push_back({name, value});
  if (std::ranges::find(*labels, "instance", &LabelView::name) == labels->end()) {
    labels->push_back({"instance", ""});
  }
  std::ranges::sort(*labels);
}

// The label that tells the samples of one histogram or summary apart; empty: none.
std::string_view BoundLabel(MetricType type, const Point& point) {
  if (type == MetricType::kHistogram && point.suffix == "_bucket") return "le";
  return type == MetricType::kSummary && point.suffix.empty() ? "quantile" : "";
}

// Writes one family's lines. The buffers are reused from sample to sample.
class FamilyWriter {
 public:
  FamilyWriter(const Family& family, const GroupingKey& key) : family_(family), key_(key) {}

  FamilyPtr Write(std::string* inconsistency) {
    auto out = std::make_shared<PushedFamily>();
    out->name = family_.name;
    out->type = family_.type;
    AppendEscaped(family_.help, /*quotes=*/false, &out->help);
    std::vector<Line> lines;
    lines.reserve(family_.points.size());
    for (const Point& point : family_.points) lines.push_back(MakeLine(point));
    std::ranges::stable_sort(lines, {}, &Line::sort_key);
    for (const Line& line : lines) {
      out->series.push_back({std::hash<std::string_view>()(line.head),
                             static_cast<uint32_t>(out->text.size()),
                             static_cast<uint32_t>(line.head.size())});
      out->text += line.head;
      out->text += ' ';
      AppendFloatExposition(line.value, &out->text);
      out->text += '\n';
    }
    FindDuplicates(out.get(), inconsistency);
    return out;
  }

 private:
  struct Line {
    std::string head;      // name{labels}
    std::string sort_key;  // label values without le and quantile
    double value = 0;
  };

  Line MakeLine(const Point& point) {
    labels_.clear();
    const std::string_view bound_label = BoundLabel(family_.type, point);
    for (const LabelView& label : point.labels) {
      labels_.push_back(label);
      // Bounds are numbers: "1.0" and "1" are the same bucket.
      if (label.name != bound_label) continue;
      bound_ = FormatFloatExposition(ParseFloat(label.value).value_or(0));
      labels_.back().value = bound_;
    }
    ApplyKey(key_, &labels_);
    Line line;
    line.value = point.value;
    AppendHead(family_.name, point.suffix, labels_, &line.head);
    for (const LabelView& label : labels_) {
      if (label.name != bound_label) line.sort_key.append(label.value).push_back('\0');
    }
    return line;
  }

  // Labels of the key may have made two series one.
  static void FindDuplicates(PushedFamily* family, std::string* inconsistency) {
    using Series = PushedFamily::Series;
    std::ranges::sort(family->series, [&](const Series& a, const Series& b) {
      return a.hash != b.hash ? a.hash < b.hash : family->SeriesText(a) < family->SeriesText(b);
    });
    const auto twice =
        std::ranges::adjacent_find(family->series, [&](const Series& a, const Series& b) {
          return a.hash == b.hash && family->SeriesText(a) == family->SeriesText(b);
        });
    if (twice != family->series.end() && inconsistency->empty()) {
      *inconsistency = "series " + std::string(family->SeriesText(*twice)) + " was pushed twice";
    }
  }

  const Family& family_;
  const GroupingKey& key_;
  std::vector<LabelView> labels_;
  std::string bound_;
};

Result<void> CheckNames(const Family& family) {
  if (!IsLegacyMetricName(family.name)) {
    return BadData("invalid metric name " + Quote(family.name));
  }
  if (family.type == MetricType::kInfo || family.type == MetricType::kStateSet ||
      family.type == MetricType::kGaugeHistogram) {
    return BadData("metric " + Quote(family.name) + " has the type " +
                   std::string(exposition::MetricTypeName(family.type)) +
                   ", which text format 0.0.4 does not have");
  }
  for (const Point& point : family.points) {
    for (const LabelView& label : point.labels) {
      if (!IsLegacyLabelName(label.name)) {
        return BadData("invalid label name " + Quote(label.name) + " of metric " +
                       Quote(family.name));
      }
    }
  }
  return Ok();
}

std::string FindTimestamp(const std::vector<Family>& families) {
  for (const Family& family : families) {
    const auto has_time = [](const Point& point) { return point.timestamp.has_value(); };
    if (std::ranges::any_of(family.points, has_time)) {
      return "pushed metrics must not have timestamps";
    }
  }
  return {};
}

// h_bucket pushed alone beside a histogram h would give a page with two meanings of one name.
std::string FindNameClash(const std::vector<FamilyPtr>& families) {
  std::map<std::string, std::string_view> owners;
  for (const FamilyPtr& family : families) {
    for (const std::string& name : family->ReservedNames()) {
      const auto [owner, fresh] = owners.try_emplace(name, family->name);
      if (!fresh) {
        return "metric families " + Quote(owner->second) + " and " + Quote(family->name) +
               " share the name " + Quote(name);
      }
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> PushedFamily::ReservedNames() const {
  std::vector<std::string> names{name};
  const bool histogram = type == MetricType::kHistogram;
  if (histogram || type == MetricType::kSummary) {
    names.push_back(name + "_sum");
    names.push_back(name + "_count");
  }
  if (histogram) names.push_back(name + "_bucket");
  return names;
}

Result<ParsedPush> ParsePush(std::string_view body, const GroupingKey& key) {
  // The last line of a page cut off on its way looks whole without this rule.
  if (!body.empty() && !body.ends_with('\n')) {
    const auto lines = std::ranges::count(body, '\n') + 1;
    return BadData("text format parsing error in line " + std::to_string(lines) +
                   ": unexpected end of input stream, the last line must end with a line feed");
  }
  if (body.size() > UINT32_MAX / 4) return BadData("the pushed page is too large");
  ParsedPush push;
  auto families = exposition::ParseFamilies(body);
  if (!families) {
    Error error = std::move(families).error();
    // Such a page can be read, it only contradicts itself: upstream remembers that as a failed
    // push of the group, which a page that cannot be read is not.
    if (error.message.ends_with("is there twice")) {
      push.inconsistency = std::move(error.message);
      return push;
    }
    return BadData("text format parsing error in " + error.message);
  }
  push.inconsistency = FindTimestamp(*families);
  for (const Family& family : *families) {
    TRY(CheckNames(family));
    if (family.name == kPushTime || family.name == kPushFailureTime) continue;  // ours win
    push.families.push_back(FamilyWriter(family, key).Write(&push.inconsistency));
  }
  std::ranges::sort(push.families, {}, [](const FamilyPtr& family) { return family->name; });
  if (push.inconsistency.empty()) push.inconsistency = FindNameClash(push.families);
  return push;
}

std::string GroupSampleLine(std::string_view name, const GroupingKey& key, double value) {
  std::vector<LabelView> labels;
  ApplyKey(key, &labels);
  std::string line;
  AppendHead(name, "", labels, &line);
  line += ' ';
  AppendFloatExposition(value, &line);
  line += '\n';
  return line;
}

std::string_view TextTypeName(MetricType type) {
  return type == MetricType::kUnknown ? "untyped" : exposition::MetricTypeName(type);
}

}  // namespace vigil::pushgateway
