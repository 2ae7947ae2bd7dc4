// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_discovery.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/relabel.h"
#include "server/cli/command.h"
#include "server/cli/file_names.h"
#include "server/cli/json_text.h"
#include "server/config/loader.h"
#include "server/scrape/target.h"

namespace vigil::cli {
namespace {

// What static and file discovery say now; other mechanisms are refused by the loader.
Result<std::vector<config::StaticConfig>> GroupsOf(const config::ScrapeConfig& job) {
  std::vector<config::StaticConfig> groups = job.static_configs;
  for (const config::FileSdConfig& discovery : job.file_sd_configs) {
    for (const std::string& pattern : discovery.files) {
      for (const std::string& path : Glob(pattern)) {
        const std::string text = TRY(ReadFile(path));
        for (config::StaticConfig& group : TRY(config::ParseTargetGroups(text, path))) {
          LabelsBuilder labels(group.labels);
          labels.Set("__meta_filepath", path);
          group.labels = labels.Build();
          groups.push_back(std::move(group));
        }
      }
    }
  }
  return groups;
}

// What relabelling leaves, before names with two underscores go; as promtool shows it.
Labels RelabelledLabels(const Labels& discovered, const config::ScrapeConfig& job) {
  LabelsBuilder labels(discovered);
  if (!Relabel(job.relabel_configs, &labels)) return Labels();
  LabelsBuilder kept;
  for (const auto& [name, value] : labels.pairs()) {
    if (!name.starts_with("__meta_")) kept.Set(name, value);
  }
  if (!kept.Has("instance")) kept.Set("instance", labels.Get("__address__"));
  return kept.Build();
}

std::string TargetText(const std::string& address, const config::StaticConfig& group,
                       const std::shared_ptr<const scrape::Job>& job) {
  const Labels target = Labels::Of({{"__address__", address}});
  const Labels discovered = scrape::DiscoveredLabels(target, group.labels, job->config());
  const auto built = scrape::BuildTarget(discovered, job);
  const bool kept = built && built->spec != nullptr;
  const Labels labels = kept ? RelabelledLabels(discovered, job->config()) : Labels();
  std::string text = "  {\n    \"discoveredLabels\": " + JsonLabels(discovered, "    ") +
                     ",\n    \"labels\": " + JsonLabels(labels, "    ");
  if (!built) text += ",\n    \"error\": " + JsonText(built.error().message);
  return text + "\n  }";
}

}  // namespace

Result<std::string> DiscoveryText(const config::ScrapeConfig& config) {
  const auto job = std::make_shared<const scrape::Job>(config);
  std::vector<std::string> texts;
  for (const config::StaticConfig& group : TRY(GroupsOf(config))) {
    for (const std::string& address : group.targets) {
      std::string text = TargetText(address, group, job);
      if (std::find(texts.begin(), texts.end(), text) == texts.end()) {
        texts.push_back(std::move(text));
      }
    }
  }
  if (texts.empty()) return std::string("[]");
  return "[\n" + Join(texts, ",\n") + "\n]";
}

int RunCheckDiscovery(const std::vector<std::string>& args) {
  std::vector<std::string> words;
  int64_t timeout_ms = 30'000;
  toolkit::FlagSet flags("vigilctl check service-discovery",
                         "Show the targets that a job's service discovery gives, before and after "
                         "relabelling.");
  flags.Duration("timeout", "Taken as promtool's; files are read at once.", &timeout_ms);
  flags.Arguments("config-file and job", "The config file, and the name of the job.", &words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (words.size() != 2) {
    return UsageError("give config file and job: vigilctl check service-discovery FILE JOB");
  }
  const auto config = config::LoadFile(words[0]);
  if (!config) {
    std::fprintf(stderr, "Cannot load config %s\n", config.error().message.c_str());
    return 1;
  }
  for (const config::ScrapeConfig& job : config->scrape_configs) {
    if (job.job_name != words[1]) continue;
    const auto text = DiscoveryText(job);
    if (!text) {
      std::fprintf(stderr, "Could not discover targets: %s\n", text.error().message.c_str());
      return 1;
    }
    std::printf("%s", text->c_str());
    return 0;
  }
  std::fprintf(stderr, "Job %s not found. Select one of:\n", words[1].c_str());
  for (const config::ScrapeConfig& job : config->scrape_configs) {
    std::fprintf(stderr, "\t%s\n", job.job_name.c_str());
  }
  return 1;
}

}  // namespace vigil::cli
