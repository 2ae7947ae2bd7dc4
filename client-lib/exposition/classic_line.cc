// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/classic_line.h"

#include <cmath>
#include <optional>

#include "client-lib/exposition/line_text.h"
#include "client-lib/model/float_text.h"

namespace vigil::exposition {
namespace {

ClassicPart PartOf(std::string_view suffix) {
  if (suffix == "_bucket") return ClassicPart::kBucket;
  if (suffix == "_count") return ClassicPart::kCount;
  return suffix == "_sum" ? ClassicPart::kSum : ClassicPart::kNone;
}

void SkipBlanksOf(std::string_view* text) {
  while (!text->empty() && IsBlank(text->front())) text->remove_prefix(1);
}

// A quoted text with its quotes; empty when there is none.
std::string_view TakeQuotedText(std::string_view* text) {
  if (!text->starts_with('"')) return {};
  const size_t length = QuotedLength(*text);
  if (length == std::string_view::npos) return {};
  const std::string_view taken = text->substr(0, length);
  text->remove_prefix(length);
  return taken;
}

// name="value", or "name" alone: then value is empty.
struct RawLabel {
  std::string_view name;
  std::string_view value;
};

std::optional<RawLabel> TakeLabel(std::string_view* text) {
  RawLabel label;
  label.name = TakeQuotedText(text);
  if (label.name.empty()) {
    const size_t length = text->find_first_of("=, \t\"}");
    if (length == 0 || length == std::string_view::npos) return std::nullopt;
    label.name = text->substr(0, length);
    text->remove_prefix(length);
  }
  SkipBlanksOf(text);
  if (!text->starts_with('=')) return label;
  text->remove_prefix(1);
  SkipBlanksOf(text);
  label.value = TakeQuotedText(text);
  if (label.value.empty()) return std::nullopt;
  return label;
}

// Behind the opening brace. Labels but the own one go to *base, as they stand there. Quoted names
// of metrics are those of the family with a suffix.
class FamilyLabels {
 public:
  FamilyLabels(std::string_view family, std::string_view own, std::string* base)
      : family_(family), own_(own), base_(base) {}

  // False when they are not readable.
  bool Read(std::string_view text) {
    for (;;) {
      SkipBlanksOf(&text);
      if (text.starts_with('}')) break;
      const auto label = TakeLabel(&text);
      if (!label || !Add(*label)) return false;
      SkipBlanksOf(&text);
      if (text.starts_with(',')) text.remove_prefix(1);
    }
    if (!base_->empty() && open_) base_->push_back('}');
    return true;
  }

  bool named = false;  // by a quoted name
  std::string_view suffix;
  std::string_view own_value;  // with its quotes

 private:
  bool Add(const RawLabel& label) {
    if (label.value.empty()) {
      const std::string_view name = label.name.substr(1, label.name.size() - 2);
      if (!label.name.starts_with('"') || !name.starts_with(family_) || named) return false;
      named = true;
      suffix = name.substr(family_.size());
      Separate();
      base_->append("\"").append(family_).append("\"");
    } else if (IsOwn(label.name)) {
      own_value = label.value;
    } else {
      Separate();
      base_->append(label.name).append("=").append(label.value);
    }
    return true;
  }
  [[nodiscard]] bool IsOwn(std::string_view name) const {
    if (name.starts_with('"')) name = name.substr(1, name.size() - 2);
    return !own_.empty() && name == own_;
  }
  void Separate() {
    base_->push_back(open_ ? ',' : '{');
    open_ = true;
  }

  std::string_view family_;
  std::string_view own_;
  std::string* base_;
  bool open_ = false;
};

}  // namespace

std::optional<FamilyLine> ReadFamilyLine(std::string_view series, std::string_view family,
                                         std::string_view own, std::string* base) {
  base->clear();
  if (family.empty()) return std::nullopt;
  FamilyLine line;
  const size_t brace = series.find('{');
  std::string_view name = series.substr(0, brace);
  while (!name.empty() && IsBlank(name.back())) name.remove_suffix(1);
  if (!name.empty()) {
    if (!name.starts_with(family)) return std::nullopt;
    line.suffix = name.substr(family.size());
    base->append(family);
  }
  if (brace == std::string_view::npos) return line;
  FamilyLabels labels(family, own, base);
  if (!labels.Read(series.substr(brace + 1))) return std::nullopt;
  if (name.empty() != labels.named) return std::nullopt;
  if (labels.named) line.suffix = labels.suffix;
  if (!labels.own_value.empty()) {
    line.value = labels.own_value.substr(1, labels.own_value.size() - 2);
  }
  return line;
}

ClassicPart ReadClassicLine(std::string_view series, std::string_view family, std::string* base,
                            double* bound) {
  const auto line = ReadFamilyLine(series, family, "le", base);
  const ClassicPart part = line ? PartOf(line->suffix) : ClassicPart::kNone;
  if (part != ClassicPart::kBucket) return part;
  const auto number = ParseFloat(line->value);
  if (!number || std::isnan(*number)) return ClassicPart::kNone;
  *bound = *number;
  return part;
}

}  // namespace vigil::exposition
