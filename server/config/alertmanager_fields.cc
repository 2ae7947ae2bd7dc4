// SPDX-License-Identifier: Apache-2.0
// Rows of the `alerting` section.
#include <array>
#include <utility>
#include <vector>

#include "server/config/codecs.h"
#include "server/config/discovery_rows.h"
#include "server/config/field_tables.h"
#include "server/config/validate.h"
#include "server/config/words.h"

namespace vigil::config {
namespace {

using A = AlertmanagerConfig;

constexpr std::string_view kApiVersions[] = {"v2"};

constexpr std::array kAlertmanagerRows = {
    BlockRow<&A::sigv4, &A::has_sigv4, Sigv4Config>("sigv4", "requests are signed for AWS"),
    Row<&A::scheme, WordCodec<kUrlSchemes>, Show::kAlways>("scheme", "http or https"),
    Row<&A::path_prefix, StringCodec>("path_prefix", "in front of /api/v2/alerts"),
    Row<&A::timeout, DurationCodec, Show::kAlways>("timeout", "of a request"),
    Row<&A::api_version, WordCodec<kApiVersions>, Show::kAlways>("api_version", "v2"),
    Row<&A::relabel_configs, RelabelListCodec>("relabel_configs",
                                               "rewrite and choose Alertmanagers"),
    Row<&A::alert_relabel_configs, RelabelListCodec>("alert_relabel_configs",
                                                     "rewrite and choose alerts for these"),
};

struct HttpOfBlock {
  template <typename T>
  static auto& Of(T& block) {
    return block.http;
  }
};

std::vector<Field<A>> JoinAlertmanagerRows() {
  std::vector<Field<A>> rows;
  AddPartRows<A, HttpClientConfig, HttpOfBlock>(std::make_index_sequence<kHttpFieldCount>(), &rows);
  rows.insert(rows.end(), kAlertmanagerRows.begin(), kAlertmanagerRows.end());
  AddDiscoveryRows(&rows);
  return rows;
}

Result<void> FinishSigning(const Reader& reader, const YamlNode& node, const A& block) {
  if (!block.has_sigv4) return Ok();
  if (block.http.has_basic_auth || block.http.has_authorization || block.http.has_oauth2) {
    return reader.FailHere(
        node, "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
  }
  return CheckSigv4(reader, *Find(node, "sigv4"), block.sigv4);
}

struct AlertmanagerListCodec : StructListCodec<A> {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<A>* out) {
    TRY(ExpectList(reader, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      Reader::Scope scope(&reader, i);
      const YamlNode& item = *node.items[i];
      A& block = out->emplace_back();
      TRY(ReadStruct(reader, item, &block));
      if (block.timeout <= 0) {
        return reader.FailHere(*Find(item, "timeout"), "timeout must be greater than 0s");
      }
      TRY(FinishHttp(reader, item, &block.http));
      TRY(FinishSigning(reader, item, block));
      TRY(FinishDiscovery(reader, item, block, !block.relabel_configs.empty()));
    }
    return Ok();
  }
};

constexpr std::array kSigv4Rows = {
    Row<&Sigv4Config::region, StringCodec>("region", "region"),
    Row<&Sigv4Config::access_key, StringCodec>("access_key", "key"),
    Row<&Sigv4Config::secret_key, SecretCodec>("secret_key", "its secret"),
    Row<&Sigv4Config::profile, StringCodec>("profile", "profile of the credentials file"),
    Row<&Sigv4Config::role_arn, StringCodec>("role_arn", "role to take"),
    Row<&Sigv4Config::external_id, StringCodec>("external_id", "proof for the role"),
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
  static const std::vector<Field<A>> rows = JoinAlertmanagerRows();
  return rows;
}
template <>
std::span<const Field<Sigv4Config>> FieldsOf<Sigv4Config>() {
  return kSigv4Rows;
}
template <>
std::span<const Field<AlertingSection>> FieldsOf<AlertingSection>() {
  return kAlertingRows;
}

}  // namespace vigil::config
