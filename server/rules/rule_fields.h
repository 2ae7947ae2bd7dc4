// SPDX-License-Identifier: Apache-2.0
// A rule file as it is read, key by key, before it is checked.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/config/codecs.h"
#include "server/config/reader.h"
#include "server/rules/rule_file.h"

namespace vigil::rules {

struct WrittenFile {
  std::vector<GroupSpec> groups;
};

// Any names, any values: they are checked with the rest of the rule, in upstream's words.
struct TextPairsCodec {
  static Result<void> Read(config::Reader& reader, const config::YamlNode& node, TextPairs* out);
  static void Write(std::string_view name, const TextPairs& value, config::YamlWriter* writer);
  static bool IsZero(const TextPairs& value) { return value.empty(); }
};

}  // namespace vigil::rules

namespace vigil::config {

template <>
std::span<const Field<rules::WrittenFile>> FieldsOf<rules::WrittenFile>();
template <>
std::span<const Field<rules::GroupSpec>> FieldsOf<rules::GroupSpec>();
template <>
std::span<const Field<rules::RuleSpec>> FieldsOf<rules::RuleSpec>();

}  // namespace vigil::config
