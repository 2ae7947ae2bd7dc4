// SPDX-License-Identifier: Apache-2.0
#include "server/discovery/static.h"

#include <utility>

namespace vigil::discovery {
namespace {

class StaticProvider : public Provider {
 public:
  explicit StaticProvider(std::vector<TargetGroup> groups) : groups_(std::move(groups)) {}
  int64_t Step(int64_t, GroupSink& sink) override {
    for (TargetGroup& group : groups_) sink.Update(std::move(group));
    groups_.clear();
    return kNever;
  }

 private:
  std::vector<TargetGroup> groups_;
};

}  // namespace

TargetGroup ToGroup(const config::StaticConfig& entry, std::string source) {
  TargetGroup group;
  group.source = std::move(source);
  group.labels = entry.labels;
  group.targets.reserve(entry.targets.size());
  for (const std::string& address : entry.targets) {
    group.targets.push_back(Labels::Of({{"__address__", address}}));
  }
  return group;
}

std::vector<NamedProvider> CreateStatic(const config::ScrapeConfig& job) {
  std::vector<NamedProvider> out;
  if (job.static_configs.empty()) return out;
  std::vector<TargetGroup> groups;
  std::string fingerprint = "static";
  for (const config::StaticConfig& entry : job.static_configs) {
    groups.push_back(ToGroup(entry, "static/" + std::to_string(groups.size())));
    fingerprint += "\n" + entry.labels.ToString();
    for (const std::string& target : entry.targets) fingerprint += "\n" + target;
  }
  out.push_back({std::move(fingerprint), std::make_unique<StaticProvider>(std::move(groups))});
  return out;
}

}  // namespace vigil::discovery
