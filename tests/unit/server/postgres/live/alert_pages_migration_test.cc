// SPDX-License-Identifier: Apache-2.0
// Alerts and history of a database from before they stood in pages.
#include "server/postgres/schema.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

// What version 13 had, and what people built on it.
constexpr const char* kRowsBeforePages = R"(
INSERT INTO vigil.alert_data SELECT i, ARRAY['alertname', 'a', 'i', i::text],
    ARRAY['summary', repeat('s', CASE WHEN i <= 3 THEN 3000000 ELSE 3 END)], 'http://x', 1000 + i,
    2000 + i, 1000 + i, true, i = 1 FROM generate_series(1, 1100) AS i;
INSERT INTO vigil.acknowledgement_data VALUES (5, 1500, 'me', 'mine');
CREATE TABLE vigil.alert_history_d0 PARTITION OF vigil.alert_history_data
    FOR VALUES FROM (0) TO (86400000);
CREATE TABLE vigil.alert_history_d1 PARTITION OF vigil.alert_history_data
    FOR VALUES FROM (86400000) TO (172800000);
INSERT INTO vigil.alert_history_data (t, event, fingerprint, labels, annotations, starts_at,
    ends_at, group_key, receiver, silences, inhibited_by, intervals, who, comment)
    SELECT day * 86400000 + i, 'muted', i, ARRAY['alertname', 'a', 'i', i::text], '{}', i, 0, 'g',
        'r', ARRAY['s"1', 's2'], '{}', '{}', '', repeat('c', CASE WHEN i <= 3 THEN 3000000 ELSE 3
        END) FROM generate_series(0, 1) AS day, generate_series(1, 700) AS i;
CREATE ROLE reader;
GRANT SELECT ON vigil.alert, vigil.acknowledgement, vigil.alert_history TO reader;
CREATE VIEW public.mine AS SELECT alertname, 'alert' AS who FROM vigil.alert UNION ALL
    SELECT alertname, who FROM vigil.acknowledgement UNION ALL
    SELECT alertname, receiver FROM vigil.alert_history;
)";

std::string LooksOf(Connection* sql) {
  return Ask(sql,
             "SELECT md5(string_agg(x.line, '|' ORDER BY x.line)) FROM ("
             "SELECT a::text AS line FROM vigil.alert a UNION ALL "
             "SELECT k::text FROM vigil.acknowledgement k UNION ALL "
             "SELECT h::text FROM vigil.alert_history h UNION ALL "
             "SELECT m::text FROM public.mine m) x");
}

TEST(AlertPagesMigration, KeepsWhatWasThere) {
  const TemporaryPath path;
  const auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  const auto sql = Connect(managed->conninfo());
  ASSERT_NE(sql, nullptr);
  ASSERT_OK(MigrateSchema(sql.get(), Migrations().first(13), 60'000));
  ASSERT_OK(sql->Execute(kRowsBeforePages, 60'000));
  const std::string before = LooksOf(sql.get());
  ASSERT_OK(MigrateSchema(sql.get(), Migrations(), 60'000));
  EXPECT_EQ(LooksOf(sql.get()), before);
  EXPECT_EQ(Ask(sql.get(), "SELECT count(*)::text FROM public.mine"), "2501");
  EXPECT_EQ(Ask(sql.get(),
                "SELECT concat_ws(' ', count(*), max(cardinality(fingerprint)), "
                "sum(cardinality(renewed)), max(octet_length(annotations::text)) < 4000000) "
                "FROM vigil.alert_page"),
            "5 500 1 t");
  EXPECT_EQ(Ask(sql.get(),
                "SELECT concat_ws(' ', count(*), max(events), max(octet_length(comment::text)) < "
                "4000000) FROM vigil.alert_history_page"),
            "8 498 t");
  EXPECT_EQ(Ask(sql.get(), "SELECT vigil.fold_alert_pages(500, 4000000)::text"), "1100");
  EXPECT_EQ(LooksOf(sql.get()), before);
  EXPECT_EQ(Ask(sql.get(),
                "SELECT string_agg(has_table_privilege('reader', 'vigil.' || v, 'SELECT')::text, "
                "' ') FROM unnest(ARRAY['alert', 'acknowledgement', 'alert_history']) AS v"),
            "true true true");
  // An alert's events are found by their index.
  ASSERT_OK(sql->Execute("SET enable_seqscan = off; SET enable_indexscan = off", 60'000));
  const auto plan = sql->Query(
      "EXPLAIN SELECT id FROM vigil.alert_history_page WHERE fingerprint @> ARRAY[7::int8]",
      60'000);
  ASSERT_OK(plan);
  std::string text;
  for (int i = 0; i < plan->size(); ++i) text += std::string(plan->Bytes(i, 0)) + "\n";
  EXPECT_NE(text.find("Bitmap Index Scan on alert_history_d1_fingerprint_idx"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace vigil::postgres
