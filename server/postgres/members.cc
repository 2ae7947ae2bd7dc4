// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/members.h"

#include "server/postgres/binary.h"

namespace vigil::postgres {
namespace {

std::string StorableName(const std::string& text) {
  std::string mended;
  return MendText(text, &mended) ? mended : text;
}

Parameters NamesOf(const std::string& url, const std::string& instance) {
  Parameters parameters;
  parameters.Text(StorableName(url)).Text(StorableName(instance));
  return parameters;
}

}  // namespace

Result<std::vector<Member>> ReadMembers(Connection* connection, int64_t seen_within_ms,
                                        int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT url, instance, role, floor(extract(epoch FROM since) * 1000)::int8, "
      "floor(extract(epoch FROM seen_at) * 1000)::int8 FROM vigil.member "
      "WHERE seen_at > clock_timestamp() - interval '" +
          std::to_string(seen_within_ms) + " ms' ORDER BY url",
      timeout_ms));
  std::vector<Member> members;
  for (int row = 0; row < rows.size(); ++row) {
    members.push_back({std::string(rows.Bytes(row, 0)), std::string(rows.Bytes(row, 1)),
                       std::string(rows.Bytes(row, 2)), rows.Int(row, 3), rows.Int(row, 4)});
  }
  return members;
}

Result<std::vector<Member>> ReadMembers(const std::string& conninfo, int64_t seen_within_ms,
                                        int64_t timeout_ms) {
  auto connection = TRY(Connection::Open(conninfo, "vigil-members", {}, timeout_ms));
  return ReadMembers(connection.get(), seen_within_ms, timeout_ms);
}

Result<void> RegisterLeader(Connection* connection, const Ownership& owner, const std::string& url,
                            const std::string& instance, int64_t timeout_ms) {
  Parameters names = NamesOf(url, instance);
  names.Int4(owner.ingester).Int8(owner.epoch);
  TRY(connection->Query(
      "WITH mine AS MATERIALIZED (SELECT 1 FROM vigil.ingester WHERE id = $3 AND epoch = $4 "
      "FOR KEY SHARE), gone AS (DELETE FROM vigil.member WHERE url <> $1 AND (role = 'leader' "
      "OR seen_at < clock_timestamp() - interval '1 day') AND EXISTS (SELECT FROM mine)) "
      "INSERT INTO vigil.member (url, instance, role, since, seen_at) "
      "SELECT $1, $2, 'leader', clock_timestamp(), clock_timestamp() FROM mine "
      "ON CONFLICT (url) DO UPDATE "
      "SET instance = $2, role = 'leader', since = clock_timestamp(), seen_at = clock_timestamp()",
      names, timeout_ms));
  return Ok();
}

Result<void> RegisterStandby(Connection* connection, const std::string& url,
                             const std::string& instance, int64_t timeout_ms) {
  const Parameters names = NamesOf(url, instance);
  TRY(connection->Query(
      "INSERT INTO vigil.member AS m (url, instance, role, since, seen_at) "
      "VALUES ($1, $2, 'standby', clock_timestamp(), clock_timestamp()) ON CONFLICT (url) "
      "DO UPDATE SET instance = $2, seen_at = clock_timestamp() WHERE m.role = 'standby'",
      names, timeout_ms));
  return Ok();
}

Result<void> ForgetStandby(Connection* connection, const std::string& url, int64_t timeout_ms) {
  Parameters parameters;
  parameters.Text(StorableName(url));
  TRY(connection->Query("DELETE FROM vigil.member WHERE url = $1 AND role = 'standby'", parameters,
                        timeout_ms));
  return Ok();
}

}  // namespace vigil::postgres
