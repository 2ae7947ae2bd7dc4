// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/alerting_pages.h"

#include <algorithm>
#include <bit>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/postgres/alerting_rows.h"

namespace vigil::postgres {
namespace {

using alerting::Alert;
using alerting::AlertingChanges;

// Rows that are read at once: each holds up to kAlertingRowsPerPage alerts.
constexpr int64_t kPagesPerRead = 20;

constexpr const char* kInsertAlertPage =
    "INSERT INTO vigil.alert_page (renewed, gone, fingerprint, starts_at, ends_at, updated_at, "
    "timeout, labels, annotations, generator_url) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
constexpr const char* kNextPages =
    "SELECT id, gone, renewed FROM vigil.alert_page WHERE id > $1 ORDER BY id LIMIT $2";
constexpr const char* kReadPages =
    "SELECT p.id, v.fingerprint, v.starts_at, v.ends_at, v.updated_at, v.timeout, "
    "v.labels::text[], v.annotations::text[], coalesce(v.generator_url, '') "
    "FROM (SELECT * FROM vigil.alert_page WHERE id BETWEEN $1 AND $2 ORDER BY id) p "
    "CROSS JOIN LATERAL unnest(p.fingerprint, p.starts_at, p.ends_at, p.updated_at, p.timeout, "
    "p.labels, p.annotations, p.generator_url) AS v (fingerprint, starts_at, ends_at, updated_at, "
    "timeout, labels, annotations, generator_url)";

std::vector<int64_t> SignedAll(const std::vector<uint64_t>& numbers) {
  std::vector<int64_t> out;
  out.reserve(numbers.size());
  for (const uint64_t number : numbers) out.push_back(std::bit_cast<int64_t>(number));
  return out;
}

// Takes pages in their order and keeps what stands.
class PageFold {
 public:
  explicit PageFold(alerting::AlertingState* state) : alerts_(state->alerts), state_(*state) {}

  Result<void> Read(Connection* connection, int64_t timeout_ms) {
    for (int64_t last = 0;;) {
      Parameters after;
      after.Int8(last).Int8(kPagesPerRead);
      const Rows pages = TRY(connection->Query(kNextPages, after, timeout_ms));
      if (pages.size() == 0) return Ok();
      Parameters between;
      between.Int8(last + 1);
      last = pages.Int(pages.size() - 1, 0);
      between.Int8(last);
      TRY(TakeVersions(TRY(connection->Query(kReadPages, between, timeout_ms))));
      for (int i = 0; i < pages.size(); ++i) TRY(TakeMarks(pages, i));
    }
  }

  // Moves what stands to the front of the state.
  int64_t Finish() {
    size_t left = 0;
    for (size_t i = 0; i < alerts_.size(); ++i) {
      const Version& version = versions_.at(alerts_[i].fingerprint);
      if (version.gone >= version.page) continue;
      if (version.renewed > version.gone) state_.renewed.push_back(alerts_[i].fingerprint);
      if (left != i) alerts_[left] = std::move(alerts_[i]);
      ++left;
    }
    alerts_.resize(left);
    return said_;
  }

 private:
  // Of one alert, where it stands in the state, and the last page with each.
  struct Version {
    size_t index = 0;
    int64_t page = 0;
    int64_t gone = -1;
    int64_t renewed = -1;
  };

  Result<void> TakeVersions(const Rows& rows) {
    for (int i = 0; i < rows.size(); ++i) {
      ++said_;
      const auto fingerprint = std::bit_cast<uint64_t>(rows.Int(i, 1));
      const auto [found, fresh] = versions_.try_emplace(fingerprint);
      Version& version = found->second;
      if (fresh) {
        version.index = alerts_.size();
        alerts_.emplace_back().fingerprint = fingerprint;
      }
      version.page = rows.Int(i, 0);
      Alert& alert = alerts_[version.index];
      alert.starts_at = rows.Int(i, 2);
      alert.ends_at = rows.Int(i, 3);
      alert.updated_at = rows.Int(i, 4);
      alert.timeout = rows.Int(i, 5) != 0;
      alert.labels = TRY(ReadLabels(rows, i, 6));
      alert.annotations = TRY(ReadLabels(rows, i, 7));
      // Alerts of one rule have both in common, and stand side by side.
      if (alert.annotations == annotations_) alert.annotations = annotations_;
      annotations_ = alert.annotations;
      if (!(url_ == rows.Bytes(i, 8))) url_ = alerting::SharedText(rows.Bytes(i, 8));
      alert.generator_url = url_;
    }
    return Ok();
  }

  // A mark of a page on an alert that has no version yet can only be old.
  Result<void> TakeMarks(const Rows& pages, int row) {
    const int64_t page = pages.Int(row, 0);
    const auto mark = [&](int column, int64_t Version::*field) -> Result<void> {
      for (const uint64_t fingerprint : TRY(ReadNumbers(pages, row, column))) {
        ++said_;
        const auto found = versions_.find(fingerprint);
        if (found != versions_.end()) found->second.*field = page;
      }
      return Ok();
    };
    TRY(mark(1, &Version::gone));
    return mark(2, &Version::renewed);
  }

  std::vector<Alert>& alerts_;
  alerting::AlertingState& state_;
  std::unordered_map<uint64_t, Version> versions_;
  alerting::SharedText url_;
  Labels annotations_;
  int64_t said_ = 0;
};

Result<void> WriteAlertPage(Connection* connection, const std::vector<uint64_t>& renewed,
                            const std::vector<uint64_t>& gone, const ColumnSet& columns,
                            int64_t timeout_ms) {
  Parameters parameters;
  parameters.Int8Array(SignedAll(renewed)).Int8Array(SignedAll(gone));
  columns.AppendPage(&parameters);
  TRY(connection->Query(kInsertAlertPage, parameters, timeout_ms));
  return Ok();
}

}  // namespace

Result<int64_t> LoadAlertPages(Connection* connection, int64_t timeout_ms,
                               alerting::AlertingState* state) {
  PageFold fold(state);
  TRY(fold.Read(connection, timeout_ms));
  return fold.Finish();
}

Result<void> WriteAlertPages(Connection* connection, const AlertingChanges& changes,
                             int64_t timeout_ms) {
  if (changes.alerts.empty() && changes.renewed.empty() && changes.gone_alerts.empty()) return Ok();
  ColumnSet columns(5, 3);
  for (size_t i = 0; i < changes.alerts.size(); ++i) {
    const Alert& alert = *changes.alerts[i];
    columns.Add({std::bit_cast<int64_t>(alert.fingerprint), alert.starts_at, alert.ends_at,
                 alert.updated_at, alert.timeout ? 1 : 0},
                {PairsLiteral(alert.labels), PairsLiteral(alert.annotations),
                 StorableText(alert.generator_url)});
    if (!columns.IsFullPage() || i + 1 == changes.alerts.size()) continue;
    TRY(WriteAlertPage(connection, {}, {}, columns, timeout_ms));
    columns.Clear();
  }
  return WriteAlertPage(connection, changes.renewed, changes.gone_alerts, columns, timeout_ms);
}

Result<int64_t> FoldAlertPages(Connection* connection, int64_t timeout_ms) {
  Parameters parameters;
  parameters.Int8(static_cast<int64_t>(kAlertingRowsPerPage))
      .Int8(static_cast<int64_t>(kAlertingPageBytes));
  const Rows rows =
      TRY(connection->Query("SELECT vigil.fold_alert_pages($1, $2)", parameters, timeout_ms));
  return rows.Int(0, 0);
}

}  // namespace vigil::postgres
