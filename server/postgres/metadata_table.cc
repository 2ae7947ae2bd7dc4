// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/metadata_table.h"

#include "server/postgres/binary.h"

namespace vigil::postgres {
namespace {

constexpr const char* kName = "vigil-metadata";
// A parameter has at most a gigabyte; far below it, the database needs little memory.
constexpr size_t kStatementBytes = 8 << 20;
constexpr const char* kUpsert =
    "INSERT INTO vigil.metric_metadata (metric, type, help, unit) "
    "SELECT DISTINCT ON (metric) * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) "
    "AS m (metric, type, help, unit) "
    "ON CONFLICT (metric) DO UPDATE SET type = excluded.type, help = excluded.help, "
    "unit = excluded.unit, updated_at = now()";

std::string Mended(const std::string& text) {
  std::string mended;
  return MendText(text, &mended) ? mended : text;
}

}  // namespace

Result<void> PostgresMetadataTable::WriteMetadata(std::span<const storage::MetricMetadata> rows) {
  auto connection = TRY(Connection::Open(conninfo_, kName, kWriterSession, kConnectTimeoutMs));
  std::vector<std::string> metrics;
  std::vector<std::string> types;
  std::vector<std::string> helps;
  std::vector<std::string> units;
  size_t bytes = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const storage::MetricMetadata& row = rows[i];
    metrics.push_back(Mended(row.metric));
    types.push_back(Mended(row.type));
    helps.push_back(Mended(row.help));
    units.push_back(Mended(row.unit));
    bytes += row.metric.size() + row.type.size() + row.help.size() + row.unit.size();
    if (bytes < kStatementBytes && i + 1 < rows.size()) continue;
    Parameters parameters;
    parameters.TextArray(metrics).TextArray(types).TextArray(helps).TextArray(units);
    TRY(connection->Query(kUpsert, parameters, timeout_ms_));
    for (auto* column : {&metrics, &types, &helps, &units}) column->clear();
    bytes = 0;
  }
  return Ok();
}

Result<void> PostgresMetadataTable::RemoveMetadata(std::span<const std::string> metrics) {
  auto connection = TRY(Connection::Open(conninfo_, kName, kWriterSession, kConnectTimeoutMs));
  std::vector<std::string> names;
  for (const std::string& metric : metrics) names.push_back(Mended(metric));
  Parameters parameters;
  parameters.TextArray(names);
  TRY(connection->Query("DELETE FROM vigil.metric_metadata WHERE metric = ANY ($1::text[])",
                        parameters, timeout_ms_));
  return Ok();
}

Result<std::vector<storage::MetricMetadata>> PostgresMetadataTable::ReadMetadata() {
  auto connection = TRY(Connection::Open(conninfo_, kName, {}, kConnectTimeoutMs));
  const Rows rows = TRY(connection->Query(
      "SELECT metric, type, help, unit FROM vigil.metric_metadata ORDER BY metric", timeout_ms_));
  std::vector<storage::MetricMetadata> out;
  for (int i = 0; i < rows.size(); ++i) {
    out.push_back({std::string(rows.Bytes(i, 0)), std::string(rows.Bytes(i, 1)),
                   std::string(rows.Bytes(i, 2)), std::string(rows.Bytes(i, 3))});
  }
  return out;
}

}  // namespace vigil::postgres
