// SPDX-License-Identifier: Apache-2.0
#include "server/config/loader.h"

#include <fmt/format.h>
#include <glob.h>

#include <cstdlib>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/config/codecs.h"
#include "server/config/environment.h"
#include "server/config/field_tables.h"

namespace vigil::config {
namespace {

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

// Names that are not escaped need UTF-8 names, wherever the file says which are allowed.
Result<void> CheckOtlpNames(const Config& config) {
  const std::string& strategy = config.otlp.translation_strategy;
  if (config.global.metric_name_validation_scheme != "legacy" || !strategy.starts_with("No")) {
    return Ok();
  }
  return BadData(
      fmt::format("{}: OTLP translation strategy {} is not allowed when UTF8 is disabled",
                  config.file, Quote(strategy)));
}

// An agent neither evaluates nor answers.
Result<void> CheckAgent(const Reader& reader, const YamlNode& root) {
  for (const std::string_view name : {"alerting", "rule_files", "remote_read"}) {
    const YamlNode* block = Find(root, name);
    if (block != nullptr && IsSet(*block)) {
      return reader.Fail(*FindKey(root, name),
                         fmt::format("field {} is not allowed in agent mode", name));
    }
  }
  return Ok();
}

// The jobs of one scrape_config_files file go behind the others.
Result<void> AddScrapeConfigFile(const std::string& path, Config* config) {
  std::string text = TRY(ReadFile(path));
  YamlPtr root = TRY(ParseYaml(text, path));
  Reader reader(path, DirName(path));
  if (root->kind != YamlNode::Kind::kNull) {
    TRY(ExpectMap(reader, *root));
    static constexpr std::string_view kKeys[] = {"scrape_configs"};
    TRY(RefuseUnknown(reader, *root, kKeys));
    const YamlNode* jobs = Find(*root, kKeys[0]);
    if (jobs != nullptr && jobs->kind != YamlNode::Kind::kNull) {
      Reader::Scope scope(&reader, kKeys[0]);
      TRY(ReadScrapeConfigs(reader, *jobs, config));
    }
  }
  config->not_supported_yet.insert(config->not_supported_yet.end(), reader.warnings().begin(),
                                   reader.warnings().end());
  return Ok();
}

Result<void> AddScrapeConfigFiles(Config* config) {
  for (const std::string& pattern : config->scrape_config_files) {
    std::vector<std::string> paths = Glob(pattern);
    // A wildcard may match nothing; a plain name that does not exist is a mistake.
    if (paths.empty() && pattern.find_first_of("*?[") == std::string::npos) {
      return BadData(
          fmt::format("{}: scrape_config_files: {} does not exist", config->file, pattern));
    }
    for (const std::string& path : paths) TRY(AddScrapeConfigFile(path, config));
  }
  return Ok();
}

void ExpandExternalLabels(const LoadOptions& options, Config* config) {
  auto lookup = [&](const std::string& name) -> std::string {
    if (name == "$") return "$";
    std::optional<std::string> value;
    if (options.environment) {
      value = options.environment(name);
    } else if (const char* text = std::getenv(name.c_str()); text != nullptr) {
      value = text;
    }
    if (!value || value->empty()) {
      log::Warn("config", "environment variable in external_labels is empty", {{"name", name}});
    }
    return value.value_or("");
  };
  LabelsBuilder builder;
  for (LabelView label : config->global.external_labels) {
    builder.Set(label.name, ExpandVariables(label.value, lookup));
  }
  config->global.external_labels = builder.Build();
}

}  // namespace

Result<Config> LoadText(std::string_view text, const std::string& filename,
                        const LoadOptions& options) {
  YamlPtr root = TRY(ParseYaml(text, filename));
  Config config;
  config.file = filename;
  Reader reader(filename, DirName(filename));
  if (root->kind != YamlNode::Kind::kNull) TRY(ReadStruct(reader, *root, &config));
  TRY(CheckOtlpNames(config));
  if (options.agent) TRY(CheckAgent(reader, *root));
  config.not_supported_yet = reader.warnings();
  ExpandExternalLabels(options, &config);
  if (options.follow_scrape_config_files) TRY(AddScrapeConfigFiles(&config));
  return config;
}

Result<Config> LoadFile(const std::string& path, const LoadOptions& options) {
  std::string text = TRY(ReadFile(path));
  return LoadText(text, path, options);
}

std::string ToYaml(const Config& config) {
  YamlWriter writer(/*show_secrets=*/false);
  WriteRows(config, &writer);
  return writer.Take();
}

std::string ToYaml(const ScrapeConfig& job, Secrets secrets) {
  YamlWriter writer(secrets == Secrets::kShow);
  WriteRows(job, &writer);
  return writer.Take();
}

Result<std::vector<StaticConfig>> ParseTargetGroups(std::string_view text,
                                                    const std::string& filename) {
  YamlPtr root = TRY(ParseYaml(text, filename));
  std::vector<StaticConfig> groups;
  Reader reader(filename, DirName(filename));
  if (root->kind == YamlNode::Kind::kNull) return groups;
  TRY(StructListCodec<StaticConfig>::Read(reader, *root, &groups));
  return groups;
}

}  // namespace vigil::config
