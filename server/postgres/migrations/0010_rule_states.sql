-- SPDX-License-Identifier: Apache-2.0
-- What alerting rules remember beyond a restart: when each alert became pending, fired, was last
-- seen or resolved. Times are milliseconds since the Unix epoch, NULL for what has not come; label
-- sets are names and values in turn. Only changes are written.

CREATE TABLE vigil.rule_alert_data (
    rule_id int8 NOT NULL,      -- hash of file, group, name and labels of the rule
    fingerprint int8 NOT NULL,  -- hash of the labels
    file text NOT NULL,
    rule_group text NOT NULL,
    alertname text NOT NULL,
    labels text[] NOT NULL,
    annotations text[] NOT NULL,
    state int2 NOT NULL,        -- 0 inactive (resolved), 1 pending, 2 firing
    value float8 NOT NULL,
    active_at int8,
    fired_at int8,
    resolved_at int8,
    keep_firing_since int8,
    PRIMARY KEY (rule_id, fingerprint)
) WITH (fillfactor = 80);

-- When the server last wrote, or found that there was nothing to write: one row.
CREATE TABLE vigil.rule_states_saved (
    only_one bool PRIMARY KEY DEFAULT true CHECK (only_one),
    saved_at int8 NOT NULL
) WITH (fillfactor = 10);

CREATE VIEW vigil.rule_alert AS
    SELECT a.file, a.rule_group, a.alertname,
           (ARRAY['inactive', 'pending', 'firing'])[a.state + 1] AS state,
           CASE WHEN cardinality(a.labels) = 0 THEN '{}'::jsonb
                ELSE jsonb_object(a.labels) END AS labels,
           CASE WHEN cardinality(a.annotations) = 0 THEN '{}'::jsonb
                ELSE jsonb_object(a.annotations) END AS annotations,
           a.value,
           to_timestamp(a.active_at::float8 / 1000) AS active_at,
           to_timestamp(a.fired_at::float8 / 1000) AS fired_at,
           to_timestamp(a.resolved_at::float8 / 1000) AS resolved_at,
           to_timestamp(a.keep_firing_since::float8 / 1000) AS keep_firing_since
    FROM vigil.rule_alert_data a;
