-- SPDX-License-Identifier: Apache-2.0
-- Alerts, silences, the notification log, and the history of alerts and notifications. Tables hold
-- times in milliseconds since the Unix epoch and label sets as names and values in turn; people read
-- the views.

CREATE FUNCTION vigil.time_of(ms int8) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_timestamp(ms::float8 / 1000)
$$;
CREATE FUNCTION vigil.pairs(flat text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN cardinality(flat) = 0 THEN '{}'::jsonb ELSE jsonb_object(flat) END
$$;
CREATE FUNCTION vigil.fingerprint_text(fingerprint int8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT lpad(to_hex(fingerprint), 16, '0') $$;
CREATE FUNCTION vigil.fingerprint_texts(fingerprints int8[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(vigil.fingerprint_text(f.value) ORDER BY f.place), '{}')
    FROM unnest(fingerprints) WITH ORDINALITY AS f (value, place)
$$;
CREATE FUNCTION vigil.value_of(flat text[], name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT flat[i + 1] FROM generate_series(1, cardinality(flat), 2) AS i WHERE flat[i] = name
$$;

-- What is firing, and what is over but not yet forgotten. A row whose end is behind its update was
-- firing when it was written; refreshes that only move the end are not written, the first one sets
-- `renewed`.
CREATE TABLE vigil.alert_data (
    fingerprint int8 PRIMARY KEY,
    labels text[] NOT NULL,
    annotations text[] NOT NULL,
    generator_url text NOT NULL,
    starts_at int8 NOT NULL,
    ends_at int8 NOT NULL,
    updated_at int8 NOT NULL,
    timeout bool NOT NULL,      -- the end is resolve_timeout after the last report
    renewed bool NOT NULL DEFAULT false
) WITH (fillfactor = 80);

CREATE VIEW vigil.alert AS
    SELECT vigil.fingerprint_text(a.fingerprint) AS fingerprint,
           vigil.value_of(a.labels, 'alertname') AS alertname,
           vigil.pairs(a.labels) AS labels, vigil.pairs(a.annotations) AS annotations,
           a.ends_at > a.updated_at AS firing,
           vigil.time_of(a.starts_at) AS starts_at,
           CASE WHEN a.ends_at <= a.updated_at THEN vigil.time_of(a.ends_at) END AS ends_at,
           a.generator_url
    FROM vigil.alert_data a;

CREATE TABLE vigil.silence_data (
    id text PRIMARY KEY,
    matchers text[] NOT NULL,   -- name, operator, value in turn
    starts_at int8 NOT NULL,
    ends_at int8 NOT NULL,
    updated_at int8 NOT NULL,
    created_by text NOT NULL,
    comment text NOT NULL,
    annotations text[] NOT NULL
) WITH (fillfactor = 80);

CREATE VIEW vigil.silence AS
    SELECT s.id,
           (SELECT array_agg(s.matchers[i] || s.matchers[i + 1] || to_json(s.matchers[i + 2])::text
                             ORDER BY i)
            FROM generate_series(1, cardinality(s.matchers), 3) AS i) AS matchers,
           vigil.time_of(s.starts_at) AS starts_at, vigil.time_of(s.ends_at) AS ends_at,
           vigil.time_of(s.updated_at) AS updated_at,
           CASE WHEN vigil.time_of(s.ends_at) <= now() THEN 'expired'
                WHEN vigil.time_of(s.starts_at) > now() THEN 'pending'
                ELSE 'active' END AS state,
           s.created_by, s.comment, vigil.pairs(s.annotations) AS annotations
    FROM vigil.silence_data s;

-- What each integration was told about each group last. Group keys may be longer than an index
-- takes.
CREATE TABLE vigil.notification_log_data (
    key uuid PRIMARY KEY,       -- md5 of group_key, a newline, integration
    group_key text NOT NULL,
    integration text NOT NULL,  -- receiver/type/position
    t int8 NOT NULL,
    firing int8[] NOT NULL,     -- hashes of label sets
    resolved int8[] NOT NULL,
    owed int8[] NOT NULL,       -- muted meanwhile: their end is still to be told
    expires_at int8 NOT NULL,
    receiver_data text[] NOT NULL
) WITH (fillfactor = 80);

CREATE VIEW vigil.notification_log AS
    SELECT l.group_key, l.integration, vigil.time_of(l.t) AS "time",
           cardinality(l.firing) AS firing, cardinality(l.resolved) AS resolved,
           cardinality(l.owed) AS owed, vigil.time_of(l.expires_at) AS expires_at,
           vigil.pairs(l.receiver_data) AS receiver_data
    FROM vigil.notification_log_data l;

-- Alerts that somebody took on.
CREATE TABLE vigil.acknowledgement_data (
    fingerprint int8 PRIMARY KEY,
    t int8 NOT NULL,
    who text NOT NULL,
    comment text NOT NULL
);

CREATE VIEW vigil.acknowledgement AS
    SELECT vigil.fingerprint_text(k.fingerprint) AS fingerprint,
           vigil.value_of(a.labels, 'alertname') AS alertname, vigil.pairs(a.labels) AS labels,
           vigil.time_of(k.t) AS "time", k.who, k.comment
    FROM vigil.acknowledgement_data k JOIN vigil.alert_data a USING (fingerprint);

-- The timers of groups between a clean stop and the next start.
CREATE TABLE vigil.alert_group_data (
    route_id text NOT NULL,
    labels text[] NOT NULL,
    next_flush int8 NOT NULL,
    flushed bool NOT NULL
);

-- History, in a partition per UTC day; the server makes and drops them.
CREATE SEQUENCE vigil.alert_history_id;
CREATE TABLE vigil.alert_history_data (
    id int8 NOT NULL DEFAULT nextval('vigil.alert_history_id'),
    t int8 NOT NULL,
    event text NOT NULL,
    fingerprint int8 NOT NULL,
    labels text[] NOT NULL,
    annotations text[] NOT NULL,
    starts_at int8 NOT NULL,
    ends_at int8 NOT NULL,          -- 0: none
    group_key text NOT NULL,
    receiver text NOT NULL,
    silences text[] NOT NULL,
    inhibited_by text[] NOT NULL,   -- fingerprints
    intervals text[] NOT NULL,
    who text NOT NULL,
    comment text NOT NULL
) PARTITION BY RANGE (t);
CREATE INDEX alert_history_time ON vigil.alert_history_data (t, id);
CREATE INDEX alert_history_fingerprint ON vigil.alert_history_data (fingerprint, t);

CREATE VIEW vigil.alert_history AS
    SELECT vigil.time_of(h.t) AS "time", h.event,
           vigil.fingerprint_text(h.fingerprint) AS fingerprint,
           vigil.value_of(h.labels, 'alertname') AS alertname,
           vigil.pairs(h.labels) AS labels, vigil.pairs(h.annotations) AS annotations,
           vigil.time_of(h.starts_at) AS starts_at,
           CASE WHEN h.ends_at <> 0 THEN vigil.time_of(h.ends_at) END AS ends_at,
           nullif(h.group_key, '') AS group_key, nullif(h.receiver, '') AS receiver,
           h.silences, h.inhibited_by, h.intervals, nullif(h.who, '') AS who,
           nullif(h.comment, '') AS comment
    FROM vigil.alert_history_data h;

CREATE SEQUENCE vigil.notification_history_id;
CREATE TABLE vigil.notification_history_data (
    id int8 NOT NULL DEFAULT nextval('vigil.notification_history_id'),
    t int8 NOT NULL,                -- of the last answer
    flushed_at int8 NOT NULL,
    group_key text NOT NULL,
    group_labels text[] NOT NULL,
    labels text[] NOT NULL,         -- common to all alerts of the message
    receiver text NOT NULL,
    integration text NOT NULL,
    position int4 NOT NULL,         -- of the integration in its receiver
    send_resolved bool NOT NULL,
    reason text NOT NULL,
    result text NOT NULL,           -- sent, failed, unwanted
    tries int4 NOT NULL,
    status int4 NOT NULL,           -- of HTTP; 0: none
    error text NOT NULL,
    firing int8[] NOT NULL,         -- fingerprints
    resolved int8[] NOT NULL
) PARTITION BY RANGE (t);
CREATE INDEX notification_history_time ON vigil.notification_history_data (t, id);

CREATE VIEW vigil.notification_history AS
    SELECT vigil.time_of(h.t) AS "time", vigil.time_of(h.flushed_at) AS flushed_at,
           h.receiver, h.integration, h.position, h.reason, h.result, h.tries,
           nullif(h.status, 0) AS status, nullif(h.error, '') AS error, h.group_key,
           vigil.pairs(h.group_labels) AS group_labels, vigil.pairs(h.labels) AS labels,
           cardinality(h.firing) AS n_firing, cardinality(h.resolved) AS n_resolved,
           vigil.fingerprint_texts(h.firing) AS firing,
           vigil.fingerprint_texts(h.resolved) AS resolved
    FROM vigil.notification_history_data h;
