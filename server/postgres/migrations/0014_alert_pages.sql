-- SPDX-License-Identifier: Apache-2.0
-- Alerts and their history in pages of some hundred: a row per alert cost a hundred times as much
-- to write. Columns of a page are arrays, an element per alert; label sets are array literals, names
-- and values in turn. People read the same views as before.

-- What was said about alerts, in the order of id. The last version of an alert counts, unless it is
-- gone since. The server folds the table now and then.
CREATE TABLE vigil.alert_page (
    id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint int8[] NOT NULL,
    starts_at int8[] NOT NULL,
    ends_at int8[] NOT NULL,
    updated_at int8[] NOT NULL,
    timeout int8[] NOT NULL,        -- 1: the end is resolve_timeout after the last report
    labels text[] NOT NULL,
    annotations text[] NOT NULL,
    generator_url text[] NOT NULL,
    renewed int8[] NOT NULL,        -- fingerprints whose end moved on, until they are gone
    gone int8[] NOT NULL            -- fingerprints, after all else of the row
);

-- Views that people read are replaced and not dropped: what they grant, and what others built on
-- them, stays.
ALTER TABLE vigil.alert_data RENAME TO alert_rows;
INSERT INTO vigil.alert_page (fingerprint, starts_at, ends_at, updated_at, timeout, labels,
                              annotations, generator_url, renewed, gone)
SELECT array_agg(a.fingerprint), array_agg(a.starts_at), array_agg(a.ends_at),
       array_agg(a.updated_at), array_agg(a.timeout::int4::int8), array_agg(a.labels::text),
       array_agg(a.annotations::text), array_agg(a.generator_url),
       coalesce(array_agg(a.fingerprint) FILTER (WHERE a.renewed), '{}'), '{}'
FROM (SELECT d.*, (row_number() OVER () - 1) / 500 AS page,
             sum(octet_length(d.labels::text) + octet_length(d.annotations::text) +
                 octet_length(d.generator_url)) OVER (ROWS UNBOUNDED PRECEDING) / 4000000 AS part
      FROM vigil.alert_rows d) a
GROUP BY a.page, a.part;

-- One pass over all that was said, without a join: PostgreSQL knows nothing about how much a page
-- holds.
CREATE VIEW vigil.alert_version AS
    SELECT s.fingerprint, s.starts_at, s.ends_at, s.updated_at, s.timeout, s.labels, s.annotations,
           s.generator_url, coalesce(s.renewed_in > coalesce(s.gone_in, 0), false) AS renewed
    FROM (
        SELECT v.*, max(v.key) FILTER (WHERE v.kind = 'version') OVER one AS newest,
               max(v.id) FILTER (WHERE v.kind = 'gone') OVER one AS gone_in,
               max(v.id) FILTER (WHERE v.kind = 'renewed') OVER one AS renewed_in
        FROM (
            SELECT 'version' AS kind, p.id, (p.id << 20) + x.place AS key, x.fingerprint,
                   x.starts_at, x.ends_at, x.updated_at, x.timeout, x.labels, x.annotations,
                   x.generator_url
            FROM vigil.alert_page p
                 CROSS JOIN LATERAL unnest(p.fingerprint, p.starts_at, p.ends_at, p.updated_at,
                                           p.timeout, p.labels, p.annotations, p.generator_url)
                     WITH ORDINALITY AS x (fingerprint, starts_at, ends_at, updated_at, timeout,
                                           labels, annotations, generator_url, place)
            UNION ALL
            SELECT 'gone', p.id, 0, x.fingerprint, 0, 0, 0, 0, '', '', ''
            FROM vigil.alert_page p CROSS JOIN LATERAL unnest(p.gone) AS x (fingerprint)
            UNION ALL
            SELECT 'renewed', p.id, 0, x.fingerprint, 0, 0, 0, 0, '', '', ''
            FROM vigil.alert_page p CROSS JOIN LATERAL unnest(p.renewed) AS x (fingerprint)
        ) v
        WINDOW one AS (PARTITION BY v.fingerprint)
    ) s
    WHERE s.kind = 'version' AND s.key = s.newest AND (s.gone_in IS NULL OR s.gone_in < s.id);

-- What is firing, and what is over but not yet forgotten. A row whose end is behind its update was
-- firing when it was written; refreshes that only move the end are not written, the first one sets
-- `renewed`.
CREATE VIEW vigil.alert_data AS
    SELECT v.fingerprint, v.labels::text[] AS labels, v.annotations::text[] AS annotations,
           coalesce(v.generator_url, '') AS generator_url, v.starts_at, v.ends_at, v.updated_at,
           v.timeout <> 0 AS timeout,
           v.renewed
    FROM vigil.alert_version v;

CREATE OR REPLACE VIEW vigil.alert AS
    SELECT vigil.fingerprint_text(a.fingerprint) AS fingerprint,
           vigil.value_of(a.labels, 'alertname') AS alertname,
           vigil.pairs(a.labels) AS labels, vigil.pairs(a.annotations) AS annotations,
           a.ends_at > a.updated_at AS firing,
           vigil.time_of(a.starts_at) AS starts_at,
           CASE WHEN a.ends_at <= a.updated_at THEN vigil.time_of(a.ends_at) END AS ends_at,
           a.generator_url
    FROM vigil.alert_data a;

CREATE OR REPLACE VIEW vigil.acknowledgement AS
    SELECT vigil.fingerprint_text(k.fingerprint) AS fingerprint,
           vigil.value_of(a.labels, 'alertname') AS alertname, vigil.pairs(a.labels) AS labels,
           vigil.time_of(k.t) AS "time", k.who, k.comment
    FROM vigil.acknowledgement_data k JOIN vigil.alert_data a USING (fingerprint);

DROP TABLE vigil.alert_rows;

-- Rewrites the pages: what stands, and nothing else, so many alerts or bytes of text on a page. Says
-- how many alerts that are.
CREATE FUNCTION vigil.fold_alert_pages(per_page int8, page_bytes int8) RETURNS int8
LANGUAGE plpgsql AS $$
DECLARE
    newest int8 := coalesce((SELECT max(p.id) FROM vigil.alert_page p), 0);
BEGIN
    INSERT INTO vigil.alert_page (fingerprint, starts_at, ends_at, updated_at, timeout, labels,
                                  annotations, generator_url, renewed, gone)
    SELECT array_agg(a.fingerprint), array_agg(a.starts_at), array_agg(a.ends_at),
           array_agg(a.updated_at), array_agg(a.timeout), array_agg(a.labels),
           array_agg(a.annotations), array_agg(coalesce(a.generator_url, '')),
           coalesce(array_agg(a.fingerprint) FILTER (WHERE a.renewed), '{}'), '{}'
    FROM (SELECT v.*, (row_number() OVER () - 1) / per_page AS page,
                 sum(octet_length(v.labels) + octet_length(v.annotations) +
                     coalesce(octet_length(v.generator_url), 0))
                     OVER (ROWS UNBOUNDED PRECEDING) / page_bytes AS part
          FROM vigil.alert_version v) a
    GROUP BY a.page, a.part;
    DELETE FROM vigil.alert_page p WHERE p.id <= newest;
    RETURN coalesce((SELECT sum(cardinality(p.fingerprint)) FROM vigil.alert_page p), 0);
END
$$;

-- History: a page is of one UTC day. A column of which no event has anything is empty.
ALTER TABLE vigil.alert_history_data RENAME TO alert_history_rows;
DO $$
DECLARE
    day record;
BEGIN
    FOR day IN SELECT relname FROM pg_class WHERE relnamespace = 'vigil'::regnamespace
               AND relkind = 'r' AND relname ~ '^alert_history_d[0-9]+$' LOOP
        EXECUTE format('ALTER TABLE vigil.%I RENAME TO %I', day.relname, 'old_' || day.relname);
    END LOOP;
END
$$;

CREATE TABLE vigil.alert_history_page (
    id int8 NOT NULL DEFAULT nextval('vigil.alert_history_id'),
    t int8 NOT NULL,                -- of the last event
    first_t int8 NOT NULL,
    events int4 NOT NULL,
    at int8[] NOT NULL,
    event text[] NOT NULL,
    fingerprint int8[] NOT NULL,
    starts_at int8[] NOT NULL,
    ends_at int8[] NOT NULL,        -- 0: none
    labels text[] NOT NULL,
    annotations text[] NOT NULL,
    group_key text[] NOT NULL,
    receiver text[] NOT NULL,
    silences text[] NOT NULL,       -- array literals, as the next two
    inhibited_by text[] NOT NULL,   -- fingerprints
    intervals text[] NOT NULL,
    who text[] NOT NULL,
    comment text[] NOT NULL
) PARTITION BY RANGE (t);
CREATE INDEX alert_history_page_time ON vigil.alert_history_page (t, id);

DO $$
DECLARE
    columns text;
BEGIN
    -- A server that was built without lz4 has its own method.
    FOREACH columns IN ARRAY ARRAY['labels', 'annotations', 'generator_url', 'fingerprint'] LOOP
        EXECUTE format('ALTER TABLE vigil.alert_page ALTER %I SET COMPRESSION lz4', columns);
    END LOOP;
    FOREACH columns IN ARRAY ARRAY['labels', 'annotations', 'event', 'at', 'starts_at', 'ends_at',
                                   'group_key', 'receiver', 'fingerprint'] LOOP
        EXECUTE format('ALTER TABLE vigil.alert_history_page ALTER %I SET COMPRESSION lz4',
                       columns);
    END LOOP;
EXCEPTION WHEN feature_not_supported THEN NULL;
END
$$;

DO $$
DECLARE
    day record;
    number int8;
BEGIN
    FOR day IN SELECT relname FROM pg_class WHERE relnamespace = 'vigil'::regnamespace
               AND relkind = 'r' AND relname ~ '^old_alert_history_d[0-9]+$' LOOP
        number := substr(day.relname, length('old_alert_history_d') + 1)::int8;
        EXECUTE format('CREATE TABLE vigil.%I PARTITION OF vigil.alert_history_page '
                       'FOR VALUES FROM (%s) TO (%s)', 'alert_history_d' || number,
                       number * 86400000, (number + 1) * 86400000);
    END LOOP;
END
$$;
INSERT INTO vigil.alert_history_page (t, first_t, events, at, event, fingerprint, starts_at,
    ends_at, labels, annotations, group_key, receiver, silences, inhibited_by, intervals, who,
    comment)
SELECT max(h.t), min(h.t), count(*), array_agg(h.t ORDER BY h.id), array_agg(h.event ORDER BY h.id),
       array_agg(h.fingerprint ORDER BY h.id), array_agg(h.starts_at ORDER BY h.id),
       array_agg(h.ends_at ORDER BY h.id), array_agg(h.labels::text ORDER BY h.id),
       array_agg(h.annotations::text ORDER BY h.id), array_agg(h.group_key ORDER BY h.id),
       array_agg(h.receiver ORDER BY h.id), array_agg(h.silences::text ORDER BY h.id),
       array_agg(h.inhibited_by::text ORDER BY h.id), array_agg(h.intervals::text ORDER BY h.id),
       array_agg(h.who ORDER BY h.id), array_agg(h.comment ORDER BY h.id)
FROM (SELECT r.*, tableoid AS day,
             (row_number() OVER one - 1) / 500 AS page,
             sum(octet_length(r.labels::text) + octet_length(r.annotations::text) +
                 octet_length(r.group_key) + octet_length(r.receiver) +
                 octet_length(r.silences::text) + octet_length(r.inhibited_by::text) +
                 octet_length(r.intervals::text) + octet_length(r.who) + octet_length(r.comment))
                 OVER (one ROWS UNBOUNDED PRECEDING) / 4000000 AS part
      FROM vigil.alert_history_rows r WINDOW one AS (PARTITION BY tableoid ORDER BY r.id)) h
GROUP BY h.day, h.page, h.part ORDER BY h.day, h.page, h.part;

-- An alert's events are asked for over all that is kept.
CREATE INDEX alert_history_page_fingerprint ON vigil.alert_history_page USING gin (fingerprint);

CREATE VIEW vigil.alert_history_data AS
    SELECT p.id, v.t, v.event, v.fingerprint, v.labels::text[] AS labels,
           v.annotations::text[] AS annotations, v.starts_at, v.ends_at,
           coalesce(v.group_key, '') AS group_key, coalesce(v.receiver, '') AS receiver,
           coalesce(nullif(v.silences, ''), '{}')::text[] AS silences,
           coalesce(nullif(v.inhibited_by, ''), '{}')::text[] AS inhibited_by,
           coalesce(nullif(v.intervals, ''), '{}')::text[] AS intervals,
           coalesce(v.who, '') AS who, coalesce(v.comment, '') AS comment,
           v.place, p.t AS page_t
    FROM vigil.alert_history_page p
         CROSS JOIN LATERAL unnest(p.at, p.event, p.fingerprint, p.labels, p.annotations,
                                   p.starts_at, p.ends_at, p.group_key, p.receiver, p.silences,
                                   p.inhibited_by, p.intervals, p.who, p.comment)
             WITH ORDINALITY AS v (t, event, fingerprint, labels, annotations, starts_at, ends_at,
                                   group_key, receiver, silences, inhibited_by, intervals, who,
                                   comment, place);

CREATE OR REPLACE VIEW vigil.alert_history AS
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

DROP TABLE vigil.alert_history_rows;
