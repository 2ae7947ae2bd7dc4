// SPDX-License-Identifier: Apache-2.0
// Rows of the `alerting` section.
#include <array>
#include <utility>
#include <vector>

#include "server/config/codecs.h"
#include "server/config/field_tables.h"
#include "server/config/validate.h"
#include "server/config/words.h"

namespace vigil::config {
namespace {

using A = AlertmanagerConfig;

constexpr std::string_view kApiVersions[] = {"v2"};

// The http keys stand among those of the block: row i of the http table, applied to its http.
template <size_t kIndex>
Field<A> AlertmanagerHttpRow() {
  const Field<HttpClientConfig>& row = FieldsOf<HttpClientConfig>()[kIndex];
  Field<A> out{row.name, row.help, nullptr, nullptr, row.support};
  if (row.read != nullptr) {
    out.read = [](Reader& reader, const YamlNode& node, A* block) {
      return FieldsOf<HttpClientConfig>()[kIndex].read(reader, node, &block->http);
    };
    out.write = [](std::string_view name, const A& block, YamlWriter* writer) {
      FieldsOf<HttpClientConfig>()[kIndex].write(name, block.http, writer);
    };
  }
  return out;
}

constexpr std::array kAlertmanagerRows = {
    NotYet<A>("sigv4", "requests are not signed for AWS", Support::kFail),
    Row<&A::scheme, WordCodec<kUrlSchemes>, Show::kAlways>("scheme", "http or https"),
    Row<&A::path_prefix, StringCodec>("path_prefix", "in front of /api/v2/alerts"),
    Row<&A::timeout, DurationCodec, Show::kAlways>("timeout", "of a request"),
    Row<&A::api_version, WordCodec<kApiVersions>, Show::kAlways>("api_version", "v2"),
    Row<&A::relabel_configs, RelabelListCodec>("relabel_configs",
                                               "rewrite and choose Alertmanagers"),
    Row<&A::alert_relabel_configs, RelabelListCodec>("alert_relabel_configs",
                                                     "rewrite and choose alerts for these"),
    Row<&A::file_sd_configs, StructListCodec<FileSdConfig>>("file_sd_configs",
                                                            "Alertmanagers from files"),
    Row<&A::static_configs, StructListCodec<StaticConfig>>("static_configs",
                                                           "Alertmanagers named here"),
};

template <size_t... kIndexes>
std::vector<Field<A>> JoinAlertmanagerRows(std::index_sequence<kIndexes...>) {
  std::vector<Field<A>> rows;
  (rows.push_back(AlertmanagerHttpRow<kIndexes>()), ...);
  rows.insert(rows.end(), kAlertmanagerRows.begin(), kAlertmanagerRows.end());
  // Discovery mechanisms that scrape jobs do not have, either.
  for (const Field<ScrapeConfig>& row : FieldsOf<ScrapeConfig>()) {
    if (row.read == nullptr && row.name.ends_with("_sd_configs")) {
      rows.push_back(NotYet<A>(row.name, row.help, row.support));
    }
  }
  return rows;
}

Result<void> CheckAddresses(Reader& reader, const YamlNode& node, const A& block) {
  if (!block.relabel_configs.empty()) return Ok();  // which may make addresses of anything
  for (const StaticConfig& group : block.static_configs) {
    for (const std::string& target : group.targets) {
      if (auto checked = CheckTargetAddress(target); !checked) {
        return reader.FailHere(*Find(node, "static_configs"), checked.error().message);
      }
    }
  }
  return Ok();
}

struct AlertmanagerListCodec : StructListCodec<A> {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<A>* out) {
    TRY(ExpectList(reader, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      Reader::Scope scope(&reader, i);
      const YamlNode& item = *node.items[i];
      A& block = out->emplace_back();
      TRY(ReadStruct(reader, item, &block));
      TRY(FinishHttp(reader, item, &block.http));
      TRY(CheckAddresses(reader, item, block));
    }
    return Ok();
  }
};

constexpr std::array kAlertingRows = {
    Row<&AlertingSection::alert_relabel_configs, RelabelListCodec>("alert_relabel_configs",
                                                                   "rewrite and choose alerts"),
    Row<&AlertingSection::alertmanagers, AlertmanagerListCodec>("alertmanagers",
                                                                "who else gets alerts"),
};

}  // namespace

template <>
std::span<const Field<AlertmanagerConfig>> FieldsOf<AlertmanagerConfig>() {
  static const std::vector<Field<A>> rows =
      JoinAlertmanagerRows(std::make_index_sequence<kHttpFieldCount>());
  return rows;
}
template <>
std::span<const Field<AlertingSection>> FieldsOf<AlertingSection>() {
  return kAlertingRows;
}

}  // namespace vigil::config
