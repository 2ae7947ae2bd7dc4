// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rule_state_table.h"

#include <bit>
#include <map>

#include "client-lib/model/float_text.h"
#include "server/postgres/alerting_rows.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

using storage::kNever;
using storage::RuleIdentity;
using storage::StoredAlert;

// The smallest number stands for a time that has not come.
constexpr const char* kUpsertRuleAlerts =
    "INSERT INTO vigil.rule_alert_data (rule_id, fingerprint, state, active_at, fired_at, "
    "resolved_at, keep_firing_since, file, rule_group, alertname, labels, annotations, value) "
    "SELECT r, p, s, nullif(a, m), nullif(f, m), nullif(d, m), nullif(k, m), file, rule_group, "
    "alertname, l::text[], t::text[], v::float8 FROM unnest($1::int8[], $2::int8[], $3::int8[], "
    "$4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[], "
    "$11::text[], $12::text[], $13::text[]) "
    "AS x (r, p, s, a, f, d, k, file, rule_group, alertname, l, t, v), "
    "(VALUES ((-9223372036854775808)::int8)) AS never (m) "
    "ON CONFLICT (rule_id, fingerprint) DO UPDATE SET state = excluded.state, "
    "active_at = excluded.active_at, fired_at = excluded.fired_at, "
    "resolved_at = excluded.resolved_at, keep_firing_since = excluded.keep_firing_since, "
    "annotations = excluded.annotations, value = excluded.value";
constexpr const char* kDeleteRuleAlerts =
    "DELETE FROM vigil.rule_alert_data d USING unnest($1::int8[], $2::int8[]) AS x (r, p) "
    "WHERE d.rule_id = x.r AND d.fingerprint = x.p";
constexpr const char* kTouchRuleStates =
    "INSERT INTO vigil.rule_states_saved (saved_at) VALUES ($1) "
    "ON CONFLICT (only_one) DO UPDATE SET saved_at = excluded.saved_at";

int64_t SignedId(uint64_t id) { return std::bit_cast<int64_t>(id); }

TimestampMs TimeOrNever(const Rows& rows, int row, int column) {
  return rows.IsNull(row, column) ? kNever : rows.Int(row, column);
}

Result<void> WriteChanges(Connection* connection, const storage::RuleStateChanges& changes,
                          int64_t timeout_ms) {
  TRY(WriteRows(connection, kDeleteRuleAlerts, changes.gone, ColumnSet(2, 0), timeout_ms,
                [](const StoredAlert::Key& key, ColumnSet* columns) {
                  columns->Add({SignedId(key.first), SignedId(key.second)});
                }));
  return WriteRows(connection, kUpsertRuleAlerts, changes.changed, ColumnSet(7, 6), timeout_ms,
                   [](const StoredAlert& alert, ColumnSet* columns) {
                     const RuleIdentity& rule = *alert.rule;
                     columns->Add({SignedId(rule.id), SignedId(alert.labels.Hash()),
                                   static_cast<int64_t>(alert.state), alert.active_at,
                                   alert.fired_at, alert.resolved_at, alert.keep_firing_since},
                                  {StorableText(rule.file), StorableText(rule.group),
                                   StorableText(rule.rule), PairsLiteral(alert.labels),
                                   PairsLiteral(alert.annotations), FormatFloatG(alert.value)});
                   });
}

}  // namespace

Result<void> PostgresRuleStateTable::Connect() {
  if (connection_ != nullptr && !connection_->broken()) return Ok();
  connection_ = TRY(Connection::Open(conninfo_, "vigil-rules", kWriterSession, kConnectTimeoutMs));
  return Ok();
}

Result<storage::RuleStates> PostgresRuleStateTable::LoadRuleStates() {
  TRY(Connect());
  storage::RuleStates states;
  const Rows saved =
      TRY(connection_->Query("SELECT saved_at FROM vigil.rule_states_saved", timeout_ms_));
  if (saved.size() > 0) states.saved_at = saved.Int(0, 0);
  const Rows rows = TRY(connection_->Query(
      "SELECT rule_id, file, rule_group, alertname, labels, annotations, state, value, active_at, "
      "fired_at, resolved_at, keep_firing_since FROM vigil.rule_alert_data ORDER BY rule_id, "
      "active_at, fingerprint",
      timeout_ms_));
  std::map<uint64_t, std::shared_ptr<const RuleIdentity>> rules;
  for (int i = 0; i < rows.size(); ++i) {
    const auto id = std::bit_cast<uint64_t>(rows.Int(i, 0));
    auto& rule = rules[id];
    if (rule == nullptr) {
      rule = std::make_shared<const RuleIdentity>(
          RuleIdentity{id, ReadString(rows, i, 1), ReadString(rows, i, 2), ReadString(rows, i, 3)});
    }
    StoredAlert& alert = states.alerts.emplace_back();
    alert.rule = rule;
    alert.labels = TRY(ReadLabels(rows, i, 4));
    alert.annotations = TRY(ReadLabels(rows, i, 5));
    alert.state = static_cast<storage::StoredAlertState>(rows.Int(i, 6));
    alert.value = std::bit_cast<double>(ReadInt(rows.Bytes(i, 7)));
    alert.active_at = TimeOrNever(rows, i, 8);
    alert.fired_at = TimeOrNever(rows, i, 9);
    alert.resolved_at = TimeOrNever(rows, i, 10);
    alert.keep_firing_since = TimeOrNever(rows, i, 11);
  }
  return states;
}

Result<void> PostgresRuleStateTable::SaveRuleStates(const storage::RuleStateChanges& changes,
                                                    TimestampMs now) {
  TRY(Connect());
  Result<void> saved = InTransaction(connection_.get(), "", timeout_ms_, [&]() -> Result<void> {
    TRY(HoldFence(connection_.get(), owner_, timeout_ms_));
    TRY(WriteChanges(connection_.get(), changes, timeout_ms_));
    Parameters parameters;
    parameters.Int8(now);
    TRY(connection_->Query(kTouchRuleStates, parameters, timeout_ms_));
    return Ok();
  });
  // In the middle of a transaction or broken: begin afresh.
  if (!saved) connection_.reset();
  return saved;
}

}  // namespace vigil::postgres
