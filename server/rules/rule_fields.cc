// SPDX-License-Identifier: Apache-2.0
// The keys of rule files, one row each.
#include "server/rules/rule_fields.h"

#include <array>

#include "client-lib/base/strings.h"

namespace vigil::rules {
namespace {

using config::Field;
using config::Reader;
using config::Row;
using config::YamlNode;

struct LimitCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, int64_t* out) {
    const std::optional<int64_t> value = ParseInt(node.text);
    if (node.kind != YamlNode::Kind::kScalar || !value) {
      return reader.FailHere(node, "expected a whole number");
    }
    *out = *value;
    return Ok();
  }
  static void Write(std::string_view name, int64_t value, config::YamlWriter* writer) {
    writer->Verbatim(name, std::to_string(value));
  }
  static bool IsZero(int64_t value) { return value == 0; }
};

struct OffsetCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::optional<DurationMs>* out) {
    DurationMs offset = 0;
    TRY(config::DurationCodec::Read(reader, node, &offset));
    *out = offset;
    return Ok();
  }
  static void Write(std::string_view name, std::optional<DurationMs> value,
                    config::YamlWriter* writer) {
    config::DurationCodec::Write(name, *value, writer);
  }
  static bool IsZero(std::optional<DurationMs> value) { return !value.has_value(); }
};

constexpr std::array kFileRows = {
    Row<&WrittenFile::groups, config::StructListCodec<GroupSpec>>("groups",
                                                                  "rules evaluated together"),
};

constexpr std::array kGroupRows = {
    Row<&GroupSpec::name, config::StringCodec>("name", "unique in the file"),
    Row<&GroupSpec::interval, config::DurationCodec>("interval", "time between two evaluations"),
    Row<&GroupSpec::query_offset, OffsetCodec>("query_offset",
                                               "how far in the past queries are evaluated"),
    Row<&GroupSpec::limit, LimitCodec>("limit", "alerts or series a rule may give; 0: any number"),
    Row<&GroupSpec::rules, config::StructListCodec<RuleSpec>>("rules", "evaluated one by one"),
    Row<&GroupSpec::labels, TextPairsCodec>("labels", "of each rule that does not set them"),
};

constexpr std::array kRuleRows = {
    Row<&RuleSpec::record, config::StringCodec>("record", "name of the series that is written"),
    Row<&RuleSpec::alert, config::StringCodec>("alert", "name of the alert"),
    Row<&RuleSpec::expr, config::StringCodec>("expr", "what is evaluated"),
    Row<&RuleSpec::hold, config::DurationCodec>("for", "how long it must hold before it fires"),
    Row<&RuleSpec::keep_firing_for, config::DurationCodec>(
        "keep_firing_for", "how long it fires on when it no longer holds"),
    Row<&RuleSpec::own_labels, TextPairsCodec>("labels", "set on what the rule gives"),
    Row<&RuleSpec::annotations, TextPairsCodec>("annotations", "what people are told"),
};

}  // namespace

Result<void> TextPairsCodec::Read(Reader& reader, const YamlNode& node, TextPairs* out) {
  TRY(config::ExpectMap(reader, node));
  for (const auto& [key, value] : node.entries) {
    Reader::Scope scope(&reader, key->text);
    std::string text;
    if (value->kind != YamlNode::Kind::kNull) {
      TRY(config::StringCodec::Read(reader, *value, &text));
    }
    out->insert_or_assign(key->text, std::move(text));
  }
  return Ok();
}

void TextPairsCodec::Write(std::string_view name, const TextPairs& value,
                           config::YamlWriter* writer) {
  writer->OpenMap(name);
  for (const auto& [key, text] : value) writer->Scalar(key, text);
  writer->CloseMap();
}

}  // namespace vigil::rules

namespace vigil::config {

template <>
std::span<const Field<rules::WrittenFile>> FieldsOf<rules::WrittenFile>() {
  return rules::kFileRows;
}
template <>
std::span<const Field<rules::GroupSpec>> FieldsOf<rules::GroupSpec>() {
  return rules::kGroupRows;
}
template <>
std::span<const Field<rules::RuleSpec>> FieldsOf<rules::RuleSpec>() {
  return rules::kRuleRows;
}

}  // namespace vigil::config
