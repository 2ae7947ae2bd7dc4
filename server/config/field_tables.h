// SPDX-License-Identifier: Apache-2.0
// The tables of keys: every key of prometheus.yml is one row in field_tables.cc or a
// *_fields.cc beside it.
#pragma once

#include <span>

#include "server/config/config.h"
#include "server/config/reader.h"

namespace vigil::config {

// How many keys an http_config has.
inline constexpr size_t kHttpFieldCount = 13;
// How many mechanisms of discovery there are: the first rows of their table. The rest is not
// supported yet.
inline constexpr size_t kDiscoveryFieldCount = 2;

// Reads a list of jobs behind those that *out has, with the defaults of out->global.
Result<void> ReadScrapeConfigs(Reader& reader, const YamlNode& node, Config* out);

template <>
std::span<const Field<Config>> FieldsOf<Config>();
template <>
std::span<const Field<GlobalConfig>> FieldsOf<GlobalConfig>();
template <>
std::span<const Field<ScrapeConfig>> FieldsOf<ScrapeConfig>();
template <>
std::span<const Field<HttpClientConfig>> FieldsOf<HttpClientConfig>();
template <>
std::span<const Field<BasicAuth>> FieldsOf<BasicAuth>();
template <>
std::span<const Field<Authorization>> FieldsOf<Authorization>();
template <>
std::span<const Field<OAuth2Config>> FieldsOf<OAuth2Config>();
template <>
std::span<const Field<TlsConfig>> FieldsOf<TlsConfig>();
template <>
std::span<const Field<HttpHeader>> FieldsOf<HttpHeader>();
template <>
std::span<const Field<StorageConfig>> FieldsOf<StorageConfig>();
template <>
std::span<const Field<TsdbConfig>> FieldsOf<TsdbConfig>();
template <>
std::span<const Field<ExemplarsConfig>> FieldsOf<ExemplarsConfig>();
template <>
std::span<const Field<RetentionConfig>> FieldsOf<RetentionConfig>();
template <>
std::span<const Field<RetentionClassConfig>> FieldsOf<RetentionClassConfig>();
template <>
std::span<const Field<RollupConfig>> FieldsOf<RollupConfig>();
template <>
std::span<const Field<RollupsConfig>> FieldsOf<RollupsConfig>();
template <>
std::span<const Field<OtlpConfig>> FieldsOf<OtlpConfig>();
template <>
std::span<const Field<AlertingSection>> FieldsOf<AlertingSection>();
template <>
std::span<const Field<AlertmanagerConfig>> FieldsOf<AlertmanagerConfig>();
template <>
std::span<const Field<Sigv4Config>> FieldsOf<Sigv4Config>();
template <>
std::span<const Field<DiscoveryConfig>> FieldsOf<DiscoveryConfig>();
template <>
std::span<const Field<StaticConfig>> FieldsOf<StaticConfig>();
template <>
std::span<const Field<FileSdConfig>> FieldsOf<FileSdConfig>();
template <>
std::span<const Field<RelabelFields>> FieldsOf<RelabelFields>();

}  // namespace vigil::config
