// SPDX-License-Identifier: Apache-2.0
// The rows of a relabelling rule. A rule is checked when it is made, so the fields are read into
// RelabelFields first.
#include <fmt/format.h>

#include <array>

#include "server/config/codecs.h"

namespace vigil::config {
namespace {

using Fields = RelabelFields;

template <auto kMember>
struct OptionalText {
  static Result<void> Read(Reader& reader, const YamlNode& node, Fields* out) {
    return StringCodec::Read(reader, node, &(out->*kMember).emplace());
  }
};

Result<void> ReadAction(Reader& reader, const YamlNode& node, Fields* out) {
  std::string word;
  TRY(StringCodec::Read(reader, node, &word));
  auto action = ParseRelabelAction(word);
  if (!action) return reader.FailHere(node, action.error().message);
  out->action = *action;
  return Ok();
}

void WriteRegex(std::string_view name, const Fields& in, YamlWriter* writer) {
  bool no_regex = in.action == RelabelAction::kKeepEqual || in.action == RelabelAction::kDropEqual;
  if (!no_regex) writer->Scalar(name, in.regex.value_or("(.*)"));
}

bool OnlyRegex(const Fields& in) {
  return in.action == RelabelAction::kLabelDrop || in.action == RelabelAction::kLabelKeep;
}

void WriteSeparator(std::string_view name, const Fields& in, YamlWriter* writer) {
  if (!OnlyRegex(in)) writer->Scalar(name, in.separator.value_or(";"));
}

void WriteReplacement(std::string_view name, const Fields& in, YamlWriter* writer) {
  if (!OnlyRegex(in)) writer->Scalar(name, in.replacement.value_or("$1"));
}

void WriteAction(std::string_view name, const Fields& in, YamlWriter* writer) {
  writer->Scalar(name, RelabelActionName(in.action));
}

struct SourceLabelsCodec : StringListCodec {
  static void Write(std::string_view name, const std::vector<std::string>& value,
                    YamlWriter* writer) {
    writer->FlowList(name, value);
  }
};

constexpr std::array kRows = {
    Row<&Fields::source_labels, SourceLabelsCodec>("source_labels",
                                                   "labels whose values are joined"),
    Field<Fields>{"separator", "between the joined values", &OptionalText<&Fields::separator>::Read,
                  &WriteSeparator},
    Field<Fields>{"regex", "matched against the joined values", &OptionalText<&Fields::regex>::Read,
                  &WriteRegex},
    Row<&Fields::modulus, UintCodec>("modulus", "of hashmod"),
    Row<&Fields::target_label, StringCodec>("target_label", "what is written"),
    Field<Fields>{"replacement", "new value, with $1 of the expression",
                  &OptionalText<&Fields::replacement>::Read, &WriteReplacement},
    Field<Fields>{"action", "what to do on a match", &ReadAction, &WriteAction},
};

}  // namespace

template <>
std::span<const Field<RelabelFields>> FieldsOf<RelabelFields>() {
  return kRows;
}

Result<void> RelabelListCodec::Read(Reader& reader, const YamlNode& node,
                                    std::vector<RelabelRule>* out) {
  TRY(ExpectList(reader, node));
  for (size_t i = 0; i < node.items.size(); ++i) {
    Reader::Scope scope(&reader, i);
    const YamlNode& item = *node.items[i];
    if (item.kind == YamlNode::Kind::kNull) {
      return reader.FailHere(item, "expected a relabelling rule, got nothing");
    }
    RelabelFields fields;
    TRY(ReadStruct(reader, item, &fields));
    auto rule = RelabelRule::Create(fields);
    if (!rule) return reader.FailHere(item, rule.error().message);
    out->push_back(std::move(*rule));
  }
  return Ok();
}

void RelabelListCodec::Write(std::string_view name, const std::vector<RelabelRule>& value,
                             YamlWriter* writer) {
  writer->OpenList(name);
  for (const RelabelRule& rule : value) {
    writer->OpenItem();
    WriteRows(rule.fields(), writer);
    writer->CloseItem();
  }
}

}  // namespace vigil::config
