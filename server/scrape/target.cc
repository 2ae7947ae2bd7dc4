// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "server/config/validate.h"
#include "server/scrape/url.h"

namespace vigil::scrape {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kInterval = "__scrape_interval__";
constexpr std::string_view kTimeout = "__scrape_timeout__";
constexpr std::string_view kNative = "__scrape_native_histograms__";
constexpr std::string_view kAlwaysClassic = "__always_scrape_classic_histograms__";
constexpr std::string_view kConvertClassic = "__convert_classic_histograms_to_nhcb__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kMetaPrefix = "__meta_";

Result<DurationMs> LabelDuration(const LabelsBuilder& labels, std::string_view name,
                                 std::string_view what) {
  std::string text(labels.Get(name));
  auto value = ParseDuration(text);
  if (!value) return value.error().Prefixed(fmt::format("error parsing scrape {}", what));
  if (*value == 0) return BadData(fmt::format("scrape {} cannot be 0", what));
  return *value;
}

Result<void> ReadTimes(const LabelsBuilder& labels, TargetSpec* spec) {
  spec->interval = TRY(LabelDuration(labels, kInterval, "interval"));
  spec->timeout = TRY(LabelDuration(labels, kTimeout, "timeout"));
  if (spec->timeout <= spec->interval) return Ok();
  return BadData(fmt::format("scrape timeout cannot be greater than scrape interval ({} > {})",
                             Quote(FormatDuration(spec->timeout)),
                             Quote(FormatDuration(spec->interval))));
}

// The words that Go's strconv.ParseBool takes.
Result<bool> LabelSwitch(const LabelsBuilder& labels, std::string_view name) {
  static constexpr std::string_view kOn[] = {"1", "t", "T", "true", "TRUE", "True"};
  static constexpr std::string_view kOff[] = {"0", "f", "F", "false", "FALSE", "False"};
  const std::string_view text = labels.Get(name);
  if (std::find(std::begin(kOn), std::end(kOn), text) != std::end(kOn)) return true;
  if (std::find(std::begin(kOff), std::end(kOff), text) != std::end(kOff)) return false;
  return BadData(
      fmt::format("error parsing {}: expected true or false, got {}", name, Quote(text)));
}

Result<void> ReadSwitches(const LabelsBuilder& labels, const config::ScrapeConfig& job,
                          TargetSpec* spec) {
  const auto read = [&](std::string_view name, bool otherwise, bool* out) -> Result<void> {
    // Relabelling may have taken it away.
    *out = labels.Has(name) ? TRY(LabelSwitch(labels, name)) : otherwise;
    return Ok();
  };
  TRY(read(kNative, job.scrape_native_histograms, &spec->native_histograms));
  TRY(read(kAlwaysClassic, job.always_scrape_classic_histograms, &spec->always_classic));
  return read(kConvertClassic, job.convert_classic_histograms_to_nhcb, &spec->convert_classic);
}

std::string UrlOf(const LabelsBuilder& labels, const config::ScrapeConfig& config) {
  std::map<std::string, std::vector<std::string>> params = config.params;
  for (const auto& [name, value] : labels.pairs()) {
    if (!name.starts_with(kParamPrefix)) continue;
    std::vector<std::string>& values = params[name.substr(kParamPrefix.size())];
    if (values.empty()) {
      values.push_back(value);
    } else {
      values[0] = value;
    }
  }
  return MakeUrl(labels.Get(kScheme), labels.Get(kAddress), labels.Get(kMetricsPath), params);
}

Result<void> CheckScheme(std::string_view scheme) {
  if (scheme == "http" || scheme == "https") return Ok();
  return BadData(fmt::format("invalid scheme {}: it must be http or https", Quote(scheme)));
}

}  // namespace

std::string TargetSpec::Identity() const {
  return job->config().job_name + labels.ToString() + url;
}

std::string_view TargetHealthName(TargetHealth health) {
  switch (health) {
    case TargetHealth::kUnknown:
      return "unknown";
    case TargetHealth::kUp:
      return "up";
    case TargetHealth::kDown:
      return "down";
  }
  return "unknown";
}

Labels DiscoveredLabels(const Labels& target, const Labels& group,
                        const config::ScrapeConfig& job) {
  LabelsBuilder builder(target);
  auto set_missing = [&](std::string_view name, std::string_view value) {
    if (!builder.Has(name)) builder.Set(name, value);
  };
  for (LabelView label : group) set_missing(label.name, label.value);
  set_missing("job", job.job_name);
  set_missing(kInterval, FormatDuration(job.scrape_interval));
  set_missing(kTimeout, FormatDuration(job.scrape_timeout));
  set_missing(kMetricsPath, job.metrics_path);
  set_missing(kScheme, job.scheme);
  const auto set_switch = [&](std::string_view name, bool on) {
    set_missing(name, on ? "true" : "false");
  };
  set_switch(kNative, job.scrape_native_histograms);
  set_switch(kAlwaysClassic, job.always_scrape_classic_histograms);
  set_switch(kConvertClassic, job.convert_classic_histograms_to_nhcb);
  for (const auto& [name, values] : job.params) {
    if (!values.empty()) set_missing(std::string(kParamPrefix) + name, values[0]);
  }
  return builder.Build();
}

Result<BuiltTarget> BuildTarget(Labels discovered, const std::shared_ptr<const Job>& job) {
  BuiltTarget built;
  LabelsBuilder labels(discovered);
  built.discovered_labels = std::move(discovered);
  if (!Relabel(job->config().relabel_configs, &labels)) return built;

  std::string address(labels.Get(kAddress));
  if (address.empty()) return BadData("no address");
  TRY(config::CheckTargetAddress(address));
  TRY(CheckScheme(labels.Get(kScheme)));
  auto spec = std::make_shared<TargetSpec>();
  TRY(ReadTimes(labels, spec.get()));
  TRY(ReadSwitches(labels, job->config(), spec.get()));
  spec->url = UrlOf(labels, job->config());
  if (!labels.Has("instance")) labels.Set("instance", address);

  LabelsBuilder final_labels;
  for (const auto& [name, value] : labels.pairs()) {
    if (!name.starts_with(kMetaPrefix) && !IsValidUtf8(value)) {
      return BadData(fmt::format("invalid label value for {}: {}", Quote(name), Quote(value)));
    }
    if (!name.starts_with("__")) final_labels.Set(name, value);
  }
  spec->job = job;
  spec->discovered_labels = built.discovered_labels;
  spec->labels = final_labels.Build();
  built.spec = std::move(spec);
  return built;
}

}  // namespace vigil::scrape
