// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/config_loader.h"

#include <fmt/format.h>

#include "client-lib/base/files.h"
#include "server/alerting/config_rows.h"
#include "server/alerting/config_validate.h"

namespace vigil::alerting {

Result<AlertingConfig> LoadAlertingText(std::string_view text, const std::string& filename,
                                        MatcherMode mode) {
  const config::YamlPtr root = TRY(config::ParseYaml(text, filename));
  AlertingConfig out;
  out.file = filename;
  Reader reader(filename, DirName(filename));
  if (root->kind != YamlNode::Kind::kNull) TRY(config::ReadStruct(reader, *root, &out));
  if (!out.has_route) {
    return BadData(fmt::format("{}: no route provided in config", filename));
  }
  if (const YamlNode* global = config::Find(*root, "global")) {
    TRY(CheckGlobal(reader, *global, out.global));
  }
  MatcherParser parser(mode);
  if (const YamlNode* receivers = config::Find(*root, "receivers")) {
    TRY(FinishReceivers(reader, *receivers, out.global, &out.receivers));
  }
  {
    Reader::Scope scope(&reader, "route");
    TRY(FinishRoute(reader, *config::Find(*root, "route"), &parser, &out.route));
  }
  if (const YamlNode* rules = config::Find(*root, "inhibit_rules")) {
    TRY(FinishInhibitRules(reader, *rules, &parser, &out.inhibit_rules));
  }
  TRY(CheckNames(reader, *root, out));
  out.warnings = reader.warnings();
  for (const std::string& warning : parser.warnings()) {
    out.warnings.push_back(filename + ": " + warning);
  }
  return out;
}

Result<AlertingConfig> LoadAlertingFile(const std::string& path, MatcherMode mode) {
  const std::string text = TRY(ReadFile(path));
  return LoadAlertingText(text, path, mode);
}

std::string ToYaml(const AlertingConfig& config) {
  YamlWriter writer(/*show_secrets=*/false);
  config::WriteRows(config, &writer);
  return writer.Take();
}

}  // namespace vigil::alerting
