// SPDX-License-Identifier: Apache-2.0
// Rows of the top level, of `global` and of the store; see scrape_fields.cc and http_fields.cc.
#include "server/config/field_tables.h"

#include <array>

#include "server/config/codecs.h"
#include "server/config/validate.h"
#include "server/config/words.h"

namespace vigil::config {
namespace {

Result<void> ReadGlobal(Reader& reader, const YamlNode& node, Config* out) {
  // 0 says "not written" while reading.
  out->global.scrape_interval = 0;
  out->global.scrape_timeout = 0;
  out->global.evaluation_interval = 0;
  TRY(ReadStruct(reader, node, &out->global));
  return FinishGlobal(reader, node, &out->global);
}

void WriteGlobal(std::string_view name, const Config& in, YamlWriter* writer) {
  StructCodec<GlobalConfig>::Write(name, in.global, writer);
}

void WriteScrapeConfigs(std::string_view name, const Config& in, YamlWriter* writer) {
  if (!in.scrape_configs.empty()) {
    StructListCodec<ScrapeConfig>::Write(name, in.scrape_configs, writer);
  }
}

Result<void> ReadStorage(Reader& reader, const YamlNode& node, Config* out) {
  return ReadStruct(reader, node, &out->storage);
}

void WriteStorage(std::string_view name, const Config& in, YamlWriter* writer) {
  const StorageConfig& storage = in.storage;
  if (storage.has_tsdb || storage.has_exemplars || storage.has_rollups ||
      !storage.retention_classes.empty()) {
    StructCodec<StorageConfig>::Write(name, storage, writer);
  }
}

Result<void> ReadAlerting(Reader& reader, const YamlNode& node, Config* out) {
  return ReadStruct(reader, node, &out->alerting);
}

void WriteAlerting(std::string_view name, const Config& in, YamlWriter* writer) {
  const AlertingSection& alerting = in.alerting;
  if (!alerting.alertmanagers.empty() || !alerting.alert_relabel_configs.empty()) {
    StructCodec<AlertingSection>::Write(name, alerting, writer);
  }
}

Result<void> ReadOtlp(Reader& reader, const YamlNode& node, Config* out) {
  TRY(ReadStruct(reader, node, &out->otlp));
  return FinishOtlp(reader, node, &out->otlp);
}

void WriteOtlp(std::string_view name, const Config& in, YamlWriter* writer) {
  if (!(in.otlp == OtlpConfig())) StructCodec<OtlpConfig>::Write(name, in.otlp, writer);
}

// A block without effect is at least of the right shape.
Result<void> AnyMap(Reader& reader, const YamlNode& node, Config*) {
  return ExpectMap(reader, node);
}
Result<void> AnyList(Reader& reader, const YamlNode& node, Config*) {
  return ExpectList(reader, node);
}

constexpr std::array kConfigRows = {
    Field<Config>{"global", "defaults of all jobs", &ReadGlobal, &WriteGlobal},
    Field<Config>{"runtime", "there is no garbage collector to tune", &AnyMap, nullptr,
                  Support::kWarn},
    Field<Config>{"alerting", "who else gets alerts", &ReadAlerting, &WriteAlerting},
    Row<&Config::rule_files, GlobListCodec>("rule_files", "files with groups of rules"),
    Row<&Config::scrape_config_files, GlobListCodec>("scrape_config_files",
                                                     "files with further scrape_configs"),
    Field<Config>{"scrape_configs", "what to scrape", &ReadScrapeConfigs, &WriteScrapeConfigs},
    Field<Config>{"storage", "settings of the store", &ReadStorage, &WriteStorage},
    Field<Config>{"tracing", "no traces are sent", &AnyMap, nullptr, Support::kWarn},
    Field<Config>{"remote_write", "nothing is sent to other servers", &AnyList, nullptr,
                  Support::kWarn},
    Field<Config>{"remote_read", "other servers are not asked", &AnyList, nullptr, Support::kWarn},
    Field<Config>{"otlp", "how OTLP metrics become series", &ReadOtlp, &WriteOtlp},
};

using G = GlobalConfig;
constexpr std::array kGlobalRows = {
    Row<&G::scrape_interval, DurationCodec, Show::kAlways>("scrape_interval",
                                                           "time between two scrapes of a target"),
    Row<&G::scrape_timeout, DurationCodec, Show::kAlways>("scrape_timeout",
                                                          "time after which a scrape has failed"),
    Row<&G::scrape_protocols, ProtocolListCodec>("scrape_protocols",
                                                 "exposition formats to ask for"),
    Row<&G::evaluation_interval, DurationCodec, Show::kAlways>(
        "evaluation_interval", "time between two evaluations of a rule group"),
    Row<&G::rule_query_offset, DurationCodec>("rule_query_offset",
                                              "how far in the past rules are evaluated"),
    Row<&G::query_log_file, PathCodec>("query_log_file", "file that gets a line per query"),
    Row<&G::scrape_failure_log_file, PathCodec>("scrape_failure_log_file",
                                                "file that gets a line per failed scrape"),
    Row<&G::external_labels, LabelsCodec>("external_labels", "who this server is"),
    Row<&G::body_size_limit, ByteSizeCodec>("body_size_limit", "size of an answer"),
    Row<&G::sample_limit, UintCodec>("sample_limit", "samples of a scrape"),
    Row<&G::series_limit, UintCodec>("series_limit", "series in memory of one job (Vigil's own)"),
    Row<&G::target_limit, UintCodec>("target_limit", "targets of a job"),
    Row<&G::label_limit, UintCodec>("label_limit", "labels of a series"),
    Row<&G::label_name_length_limit, UintCodec>("label_name_length_limit", "length of a name"),
    Row<&G::label_value_length_limit, UintCodec>("label_value_length_limit", "length of a value"),
    Row<&G::keep_dropped_targets, UintCodec>("keep_dropped_targets",
                                             "dropped targets to remember; 0: all"),
    Row<&G::metric_name_validation_scheme, WordCodec<kValidationSchemes>>(
        "metric_name_validation_scheme", "which names are allowed"),
    Row<&G::metric_name_escaping_scheme, WordCodec<kEscapingSchemes>>(
        "metric_name_escaping_scheme", "how targets are asked to spell other names"),
    Row<&G::scrape_native_histograms, BoolCodec>(
        "scrape_native_histograms", "native histograms are asked for and stored as such"),
    Row<&G::always_scrape_classic_histograms, BoolCodec>(
        "always_scrape_classic_histograms", "native histograms are stored as classic ones, too"),
    Row<&G::convert_classic_histograms_to_nhcb, BoolCodec>(
        "convert_classic_histograms_to_nhcb",
        "classic histograms are stored as native ones with custom buckets"),
    Row<&G::extra_scrape_metrics, BoolCodec>("extra_scrape_metrics",
                                             "also write limit, timeout and size of each scrape"),
};

constexpr std::array kStorageRows = {
    BlockRow<&StorageConfig::tsdb, &StorageConfig::has_tsdb, TsdbConfig>("tsdb",
                                                                         "how samples are taken"),
    BlockRow<&StorageConfig::exemplars, &StorageConfig::has_exemplars, ExemplarsConfig>(
        "exemplars", "how many exemplars are kept"),
    Row<&StorageConfig::retention_classes, StructListCodec<RetentionClassConfig>>(
        "retention_classes", "how long some series are kept (Vigil's own)"),
    BlockRow<&StorageConfig::rollups, &StorageConfig::has_rollups, RollupsConfig>(
        "rollups", "coarse samples that are kept longer (Vigil's own)"),
};

constexpr std::array kTsdbRows = {
    Row<&TsdbConfig::out_of_order_time_window, DurationCodec>(
        "out_of_order_time_window", "how late a sample may be that is not its series' newest"),
    BlockRow<&TsdbConfig::retention, &TsdbConfig::has_retention, RetentionConfig>(
        "retention", "how long samples are kept; goes before the flags"),
    NotYet<TsdbConfig>("chunk_encoding", "the store chooses the encoding of each chunk itself"),
    NotYet<TsdbConfig>("stale_series_compaction_threshold", "idle series leave memory by time"),
};

constexpr std::array kExemplarsRows = {
    Row<&ExemplarsConfig::max_exemplars, UintCodec, Show::kAlways>("max_exemplars",
                                                                   "exemplars in memory"),
};

constexpr std::array kRetentionRows = {
    Row<&RetentionConfig::time, DurationCodec>("time", "how long"),
    Row<&RetentionConfig::size, ByteSizeCodec>("size", "how many bytes"),
    NotYet<RetentionConfig>("percentage", "the part of the disk is not limited; use size"),
};

constexpr std::array kRetentionClassRows = {
    Row<&RetentionClassConfig::match, StringCodec>("match", "a selector"),
    Row<&RetentionClassConfig::retention, DurationCodec>("retention", "how long"),
};

constexpr std::array kRollupRows = {
    Row<&RollupConfig::retention, DurationCodec, Show::kAlways>("retention", "how long"),
};

constexpr std::array kRollupsRows = {
    Row<&RollupsConfig::five_minutes, StructCodec<RollupConfig>>("5m", "one per five minutes"),
    Row<&RollupsConfig::one_hour, StructCodec<RollupConfig>>("1h", "one per hour"),
    Row<&RollupsConfig::use_after, DurationCodec, Show::kAlways>(
        "use_after", "from what age on queries take them in place of samples"),
};

}  // namespace

template <>
std::span<const Field<Config>> FieldsOf<Config>() {
  return kConfigRows;
}
template <>
std::span<const Field<GlobalConfig>> FieldsOf<GlobalConfig>() {
  return kGlobalRows;
}
template <>
std::span<const Field<StorageConfig>> FieldsOf<StorageConfig>() {
  return kStorageRows;
}
template <>
std::span<const Field<TsdbConfig>> FieldsOf<TsdbConfig>() {
  return kTsdbRows;
}
template <>
std::span<const Field<ExemplarsConfig>> FieldsOf<ExemplarsConfig>() {
  return kExemplarsRows;
}
template <>
std::span<const Field<RetentionConfig>> FieldsOf<RetentionConfig>() {
  return kRetentionRows;
}
template <>
std::span<const Field<RetentionClassConfig>> FieldsOf<RetentionClassConfig>() {
  return kRetentionClassRows;
}
template <>
std::span<const Field<RollupConfig>> FieldsOf<RollupConfig>() {
  return kRollupRows;
}
template <>
std::span<const Field<RollupsConfig>> FieldsOf<RollupsConfig>() {
  return kRollupsRows;
}

}  // namespace vigil::config
