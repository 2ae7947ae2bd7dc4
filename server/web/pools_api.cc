// SPDX-License-Identifier: Apache-2.0
// See pools_api.h.
#include "server/web/pools_api.h"

#include <algorithm>

#include "client-lib/base/strings.h"
#include "server/config/loader.h"
#include "server/config/yaml_node.h"

namespace vigil::web {
namespace {

// The parameter scrapePool names the job.
Result<const config::ScrapeConfig*> NamedJob(const ApiRequest& request,
                                             const config::Config& config) {
  const std::string& name = request.Get("scrapePool");
  if (name.empty()) return BadData("no scrapePool parameter provided");
  const auto& jobs = config.scrape_configs;
  const auto job = std::find_if(jobs.begin(), jobs.end(), [&](const config::ScrapeConfig& known) {
    return known.job_name == name;
  });
  if (job == jobs.end()) return NotFound("scrape pool " + Quote(name) + " not found");
  return &*job;
}

// The parameter labels: a JSON object of texts.
Result<LabelsBuilder> ReadLabelsParameter(const ApiRequest& request) {
  const std::string& text = request.Get("labels");
  if (text.empty()) return BadData("no labels parameter provided");
  const auto root = config::ParseYaml(text, "labels");
  if (!root) return InvalidParameter("labels", root.error().message);
  LabelsBuilder labels;
  const Error shape = InvalidParameter("labels", "it must be a JSON object of strings");
  if ((*root)->kind != config::YamlNode::Kind::kMap) return shape;
  for (const auto& [name, value] : (*root)->entries) {
    if (value->kind != config::YamlNode::Kind::kScalar || !value->quoted) return shape;
    labels.Set(name->text, value->text);
  }
  return labels;
}

void WriteRule(const RelabelFields& rule, JsonWriter& json) {
  json.BeginObject();
  if (!rule.source_labels.empty()) {
    json.Key("sourceLabels").BeginArray();
    for (const std::string& name : rule.source_labels) json.String(name);
    json.EndArray();
  }
  json.Field("separator", rule.separator.value_or(";"));
  json.Field("regex", rule.regex.value_or("(.*)"));
  if (rule.modulus != 0) json.Key("modulus").Int(static_cast<int64_t>(rule.modulus));
  if (!rule.target_label.empty()) json.Field("targetLabel", rule.target_label);
  json.Field("replacement", rule.replacement.value_or("$1"));
  json.Field("action", RelabelActionName(rule.action)).EndObject();
}

}  // namespace

Result<Annotations> PoolsApi::Config(const ApiRequest& request, JsonWriter& json) const {
  const auto config = config_();
  const config::ScrapeConfig* job = TRY(NamedJob(request, *config));
  json.BeginObject().Field("yaml", config::ToYaml(*job, config::Secrets::kRedact)).EndObject();
  return Annotations{};
}

Result<Annotations> PoolsApi::RelabelSteps(const ApiRequest& request, JsonWriter& json) const {
  const auto config = config_();
  const config::ScrapeConfig* job = TRY(NamedJob(request, *config));
  LabelsBuilder labels = TRY(ReadLabelsParameter(request));
  json.BeginObject().Key("steps").BeginArray();
  bool keep = true;
  for (const RelabelRule& rule : job->relabel_configs) {
    if (!keep) break;
    keep = rule.Apply(&labels);
    json.BeginObject().Key("rule");
    WriteRule(rule.fields(), json);
    json.Key("output").LabelSet(keep ? labels.Build() : Labels());
    json.Key("keep").Bool(keep).EndObject();
  }
  json.EndArray().EndObject();
  return Annotations{};
}

}  // namespace vigil::web
