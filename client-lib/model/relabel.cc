// SPDX-License-Identifier: Apache-2.0
// The eleven relabel actions and the checks of a rule's fields.
#include "client-lib/model/relabel.h"

#include <fmt/format.h>
#include <locale.h>
#include <openssl/evp.h>
#include <wctype.h>

#include <algorithm>
#include <array>

#include "client-lib/base/strings.h"

namespace vigil {
namespace {

constexpr std::string_view kDefaultSeparator = ";";
constexpr std::string_view kDefaultRegex = "(.*)";
constexpr std::string_view kDefaultReplacement = "$1";

struct ActionName {
  RelabelAction action;
  std::string_view name;
};
constexpr std::array<ActionName, 11> kActionNames = {{
    {RelabelAction::kReplace, "replace"},
    {RelabelAction::kKeep, "keep"},
    {RelabelAction::kDrop, "drop"},
    {RelabelAction::kKeepEqual, "keepequal"},
    {RelabelAction::kDropEqual, "dropequal"},
    {RelabelAction::kHashMod, "hashmod"},
    {RelabelAction::kLabelMap, "labelmap"},
    {RelabelAction::kLabelDrop, "labeldrop"},
    {RelabelAction::kLabelKeep, "labelkeep"},
    {RelabelAction::kLowercase, "lowercase"},
    {RelabelAction::kUppercase, "uppercase"},
}};

bool IsOneOf(RelabelAction action, std::initializer_list<RelabelAction> actions) {
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

std::string_view SeparatorOf(const RelabelFields& fields) {
  return fields.separator ? std::string_view(*fields.separator) : kDefaultSeparator;
}
std::string_view ReplacementOf(const RelabelFields& fields) {
  return fields.replacement ? std::string_view(*fields.replacement) : kDefaultReplacement;
}

bool HasReference(std::string_view text) { return text.find('$') != std::string_view::npos; }

// The separator and the replacement count as written only when they differ from the default, the
// regular expression whenever it is there: upstream compares it by identity.
bool ReplacementChanged(const RelabelFields& fields) {
  return ReplacementOf(fields) != kDefaultReplacement;
}
bool SeparatorChanged(const RelabelFields& fields) {
  return SeparatorOf(fields) != kDefaultSeparator;
}

Result<void> CheckTarget(const RelabelFields& fields) {
  using enum RelabelAction;
  const std::string_view name = RelabelActionName(fields.action);
  if (!IsOneOf(fields.action,
               {kReplace, kHashMod, kLowercase, kUppercase, kKeepEqual, kDropEqual})) {
    return Ok();
  }
  if (fields.target_label.empty()) {
    return BadData(
        fmt::format("relabel configuration for {} action requires 'target_label' value", name));
  }
  if (!IsUtf8Name(fields.target_label)) {
    return BadData(fmt::format("{} is invalid 'target_label' for {} action",
                               Quote(fields.target_label), name));
  }
  return Ok();
}

Result<void> CheckReplacement(const RelabelFields& fields) {
  using enum RelabelAction;
  const std::string_view name = RelabelActionName(fields.action);
  if (IsOneOf(fields.action, {kLowercase, kUppercase, kKeepEqual, kDropEqual}) &&
      ReplacementChanged(fields)) {
    return BadData(fmt::format("'replacement' can not be set for {} action", name));
  }
  if (fields.action == kLabelMap && !IsUtf8Name(ReplacementOf(fields))) {
    return BadData(fmt::format("{} is invalid 'replacement' for {} action",
                               Quote(ReplacementOf(fields)), name));
  }
  return Ok();
}

Result<void> CheckForeignFields(const RelabelFields& fields) {
  using enum RelabelAction;
  const std::string_view name = RelabelActionName(fields.action);
  const bool others = fields.modulus != 0 || SeparatorChanged(fields) || ReplacementChanged(fields);
  if (IsOneOf(fields.action, {kDropEqual, kKeepEqual}) && (others || fields.regex)) {
    return BadData(fmt::format(
        "{} action requires only 'source_labels' and `target_label`, and no other fields", name));
  }
  if (IsOneOf(fields.action, {kLabelDrop, kLabelKeep}) &&
      (others || !fields.source_labels.empty() || !fields.target_label.empty())) {
    return BadData(fmt::format("{} action requires only 'regex', and no other fields", name));
  }
  return Ok();
}

// Upstream takes the last 8 of the 16 bytes, for the sake of its own earlier versions.
uint64_t Md5Tail(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) == 1);
  CHECK(size == 16);
  uint64_t tail = 0;
  for (size_t i = 8; i < 16; ++i) tail = (tail << 8) | digest[i];
  return tail;
}

void AppendUtf8(char32_t code, std::string* out) {
  const auto byte = [out](char32_t bits) { *out += static_cast<char>(bits); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xc0 | (code >> 6));
  } else if (code < 0x10000) {
    byte(0xe0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3f));
  } else {
    byte(0xf0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3f));
    byte(0x80 | ((code >> 6) & 0x3f));
  }
  byte(0x80 | (code & 0x3f));
}

// REQUIRES: valid UTF-8.
char32_t TakeRune(std::string_view* text) {
  const auto lead = static_cast<unsigned char>((*text)[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code = size == 1 ? lead : lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    code = (code << 6) | (static_cast<unsigned char>((*text)[i]) & 0x3fU);
  }
  text->remove_prefix(size);
  return code;
}

// Letters beyond ASCII change case too, whatever the locale of the process is.
std::string ChangeCase(std::string_view text, bool upper) {
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  static const locale_t kUnicode = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (ascii || kUnicode == nullptr || !IsValidUtf8(text)) {
    return upper ? AsciiUpper(text) : AsciiLower(text);
  }
  std::string changed;
  changed.reserve(text.size());
  while (!text.empty()) {
    const auto code = static_cast<wint_t>(TakeRune(&text));
    const wint_t other = upper ? ::towupper_l(code, kUnicode) : ::towlower_l(code, kUnicode);
    AppendUtf8(static_cast<char32_t>(other), &changed);
  }
  return changed;
}

std::string JoinSources(const RelabelFields& fields, const LabelsBuilder& labels) {
  std::string joined;
  for (size_t i = 0; i < fields.source_labels.size(); ++i) {
    if (i > 0) joined += SeparatorOf(fields);
    joined += labels.Get(fields.source_labels[i]);
  }
  return joined;
}

// New names are set in the order of the old ones: of two that collide the last wins.
void MapNames(const Regexp& regex, std::string_view replacement, LabelsBuilder* labels) {
  const Labels before = labels->Build();
  for (const LabelView pair : before) {
    std::string name;
    if (regex.Expand(pair.name, replacement, &name)) labels->Set(name, pair.value);
  }
}

void DeleteNames(const Regexp& regex, bool matching, LabelsBuilder* labels) {
  const Labels before = labels->Build();
  for (const LabelView pair : before) {
    if (regex.Matches(pair.name) == matching) labels->Delete(pair.name);
  }
}

}  // namespace

Result<RelabelAction> ParseRelabelAction(std::string_view text) {
  for (const ActionName& row : kActionNames) {
    if (EqualsIgnoreCase(row.name, text)) return row.action;
  }
  return BadData("unknown relabel action " + Quote(text));
}

std::string_view RelabelActionName(RelabelAction action) {
  for (const ActionName& row : kActionNames) {
    if (row.action == action) return row.name;
  }
  return "replace";
}

Result<RelabelRule> RelabelRule::Create(const RelabelFields& fields) {
  if (fields.modulus == 0 && fields.action == RelabelAction::kHashMod) {
    return BadData("relabel configuration for hashmod requires non-zero modulus");
  }
  TRY(CheckTarget(fields));
  TRY(CheckReplacement(fields));
  TRY(CheckForeignFields(fields));
  Regexp regex =
      TRY(Regexp::Compile(fields.regex ? std::string_view(*fields.regex) : kDefaultRegex));
  const bool verbatim =
      !fields.regex && !HasReference(ReplacementOf(fields)) && !HasReference(fields.target_label);
  return RelabelRule(fields, std::move(regex), verbatim);
}

bool RelabelRule::Replace(LabelsBuilder* labels, const std::string& joined) const {
  if (verbatim_) {
    labels->Set(fields_.target_label, ReplacementOf(fields_));
    return true;
  }
  const bool fixed_target = !HasReference(fields_.target_label);
  // The plain copy, by far the most frequent rule, needs no regular expression.
  if (fixed_target && !fields_.regex && !ReplacementChanged(fields_)) {
    labels->Set(fields_.target_label, joined);
    return true;
  }
  std::string value;
  if (!regex_.Expand(joined, ReplacementOf(fields_), &value)) return true;
  std::string target;
  if (!fixed_target) {
    regex_.Expand(joined, fields_.target_label, &target);
    if (!IsUtf8Name(target)) return true;
  }
  labels->Set(fixed_target ? fields_.target_label : target, value);
  return true;
}

bool RelabelRule::Apply(LabelsBuilder* labels) const {
  const std::string joined = JoinSources(fields_, *labels);
  switch (fields_.action) {
    case RelabelAction::kReplace:
      return Replace(labels, joined);
    case RelabelAction::kKeep:
      return regex_.Matches(joined);
    case RelabelAction::kDrop:
      return !regex_.Matches(joined);
    case RelabelAction::kKeepEqual:
      return labels->Get(fields_.target_label) == joined;
    case RelabelAction::kDropEqual:
      return labels->Get(fields_.target_label) != joined;
    case RelabelAction::kHashMod:
      labels->Set(fields_.target_label, std::to_string(Md5Tail(joined) % fields_.modulus));
      return true;
    case RelabelAction::kLabelMap:
      MapNames(regex_, ReplacementOf(fields_), labels);
      return true;
    case RelabelAction::kLabelDrop:
      DeleteNames(regex_, true, labels);
      return true;
    case RelabelAction::kLabelKeep:
      DeleteNames(regex_, false, labels);
      return true;
    case RelabelAction::kLowercase:
      labels->Set(fields_.target_label, ChangeCase(joined, false));
      return true;
    case RelabelAction::kUppercase:
      labels->Set(fields_.target_label, ChangeCase(joined, true));
      return true;
  }
  return true;
}

bool Relabel(const std::vector<RelabelRule>& rules, LabelsBuilder* labels) {
  return std::all_of(rules.begin(), rules.end(),
                     [labels](const RelabelRule& rule) { return rule.Apply(labels); });
}

}  // namespace vigil
