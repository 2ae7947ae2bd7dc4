-- SPDX-License-Identifier: Apache-2.0
-- Compaction, retention classes, deletes, roll-ups.

-- A leaf is rewritten (merged) once it is closed, and again after late chunks came: whenever
-- n_chunks > merged_chunks. Each rewrite makes a table of the next generation.
ALTER TABLE vigil.leaf
    ADD COLUMN generation int4 NOT NULL DEFAULT 0,
    ADD COLUMN merged_chunks int8 NOT NULL DEFAULT 0,  -- n_chunks when it was merged last
    ADD COLUMN merged_at int8 NOT NULL DEFAULT 0,      -- milliseconds since the Unix epoch
    ADD COLUMN purged int8 NOT NULL DEFAULT 0,         -- tombstones up to this id are applied
    ADD COLUMN rolled_up int4 NOT NULL DEFAULT -1;     -- the generation that roll-ups were made of

-- Tables that were leaves and are dropped a few minutes later: readers may still hold the name.
CREATE TABLE vigil.detached_leaf (
    rel text PRIMARY KEY,        -- table in schema vigil
    detached_at int8 NOT NULL    -- milliseconds since the Unix epoch
);

-- Which series are kept how long. The first class by rank whose selector matches takes a series;
-- class 1 takes the rest. rank is NULL once the configuration does not name the class any more:
-- what it has is then kept as long as class 1.
CREATE TABLE vigil.retention_class (
    id int2 PRIMARY KEY,
    match text NOT NULL UNIQUE,      -- selector, empty for class 1
    retention_ms int8 NOT NULL,      -- 0: for ever
    rank int4
);
INSERT INTO vigil.retention_class VALUES (1, '', 1296000000, 2147483647);

-- Deleted spans of series. Readers leave the samples out; a rewrite of the leaves removes them,
-- then the row goes.
CREATE TABLE vigil.tombstone (
    id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    matchers text NOT NULL,          -- what was asked for, for people
    series int8[] NOT NULL,          -- sorted ids
    t0 int8 NOT NULL,                -- both inclusive
    t1 int8 NOT NULL,
    created_at int8 NOT NULL
);
ALTER TABLE vigil.tombstone ALTER COLUMN series SET STORAGE EXTENDED;

-- Whether a sample was deleted. Cheap as long as there are no tombstones.
CREATE FUNCTION vigil.is_deleted(series_id int8, t int8) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT FROM vigil.tombstone d WHERE t BETWEEN d.t0 AND d.t1
                   AND series_id = ANY (d.series))
$$;

-- Roll-ups: per series and leaf one row of n buckets, each column a chunk of its own
-- (server/chunks/chunk.h) whose timestamps are the starts of the buckets. Empty buckets are left
-- out; staleness markers do not count. increase is what the series rose by within the bucket and
-- since the sample before in the same row, resets accounted for; what it rose between two rows
-- follows from last and first. Rows are dropped with their leaves.
DO $$
BEGIN
    FOR r IN 1..2 LOOP
        EXECUTE format(
            'CREATE TABLE vigil.rollup_%s (series_id int8 NOT NULL, min_time int8 NOT NULL, '
            'span_ms int8 NOT NULL, n int4 NOT NULL, class int2 NOT NULL, count bytea NOT NULL, '
            'sum bytea NOT NULL, min bytea NOT NULL, max bytea NOT NULL, first bytea NOT NULL, '
            'last bytea NOT NULL, increase bytea NOT NULL) PARTITION BY RANGE (min_time)',
            (ARRAY['5m', '1h'])[r]);
        EXECUTE format('CREATE INDEX ON vigil.rollup_%s (series_id, min_time)',
                       (ARRAY['5m', '1h'])[r]);
    END LOOP;
END
$$;
CREATE TABLE vigil.rollup_leaf (
    resolution_ms int8 NOT NULL,
    min_time int8 NOT NULL,
    end_time int8 NOT NULL,
    rel text NOT NULL,               -- table in schema vigil
    PRIMARY KEY (resolution_ms, min_time)
);

-- The buckets of a row.
CREATE FUNCTION vigil.decode_rollup(r vigil.rollup_5m)
RETURNS TABLE (t int8, count float8, sum float8, min float8, max float8, first float8, last float8,
               increase float8)
LANGUAGE sql STABLE AS $$
    SELECT c.t, c.v, s.v, lo.v, hi.v, f.v, l.v, i.v
    FROM ROWS FROM (vigil.decode_chunk(r.min_time, r.count), vigil.decode_chunk(r.min_time, r.sum),
                    vigil.decode_chunk(r.min_time, r.min), vigil.decode_chunk(r.min_time, r.max),
                    vigil.decode_chunk(r.min_time, r.first), vigil.decode_chunk(r.min_time, r.last),
                    vigil.decode_chunk(r.min_time, r.increase))
        AS x(t, v, t1, v1, t2, v2, t3, v3, t4, v4, t5, v5, t6, v6),
        LATERAL (SELECT x.t, x.v) c(t, v), LATERAL (SELECT x.v1) s(v), LATERAL (SELECT x.v2) lo(v),
        LATERAL (SELECT x.v3) hi(v), LATERAL (SELECT x.v4) f(v), LATERAL (SELECT x.v5) l(v),
        LATERAL (SELECT x.v6) i(v)
$$;

-- Roll-ups of a selector's series, by bucket: '5m' or '1h' wide, "time" is its start. Spans of
-- leaves that are not rolled up yet come from the samples themselves.
CREATE FUNCTION vigil.rollup(selector text, resolution text,
                             from_time timestamptz DEFAULT now() - interval '1 day',
                             to_time timestamptz DEFAULT now())
RETURNS TABLE (series_id int8, "time" timestamptz, count float8, sum float8, min float8, max float8,
               first float8, last float8, increase float8)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    t0 int8 := ceil(extract(epoch FROM from_time) * 1000);
    t1 int8 := floor(extract(epoch FROM to_time) * 1000);
    width int8 := CASE resolution WHEN '5m' THEN 300000 WHEN '1h' THEN 3600000 END;
    ids int8[];
    edge int8;  -- from here on there are only samples
BEGIN
    IF width IS NULL THEN
        RAISE EXCEPTION 'there are roll-ups of ''5m'' and ''1h'', not of %', quote_literal(resolution)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(m.series_id ORDER BY m.series_id) INTO ids FROM vigil.match_series(selector) m;
    SELECT coalesce(min(l.min_time), CASE WHEN EXISTS (SELECT FROM vigil.leaf)
                                          THEN (SELECT max(end_time) FROM vigil.leaf) ELSE t0 END)
    INTO edge FROM vigil.leaf l WHERE l.class = 1 AND l.rolled_up <> l.generation;
    RETURN QUERY EXECUTE format(
        'SELECT x.id, to_timestamp(x.t::float8 / 1000), x.count, x.sum, x.min, x.max, x.first, '
        'x.last, x.increase + coalesce(CASE WHEN x.t = x.row_start THEN CASE '
        'WHEN x.first >= x.before THEN x.first - x.before WHEN x.before IS NOT NULL THEN x.first '
        'END END, 0) FROM (SELECT r.series_id AS id, r.min_time AS row_start, d.*, '
        'lag(d.last) OVER (PARTITION BY r.series_id ORDER BY d.t) AS before '
        'FROM vigil.rollup_%s r, vigil.decode_rollup(row(r.*)::vigil.rollup_5m) d '
        'WHERE r.series_id = ANY ($1) AND r.min_time <= $3 AND r.min_time + r.span_ms >= $2 '
        'AND d.t BETWEEN $2 AND $3 AND d.t < $4) x', resolution)
        USING ids, t0, t1, edge;
    RETURN QUERY
        SELECT g.id, to_timestamp(g.bucket::float8 / 1000), count(*)::float8, sum(g.value),
               coalesce(min(g.value) FILTER (WHERE g.value <> 'NaN'), 'NaN'),
               coalesce(max(g.value) FILTER (WHERE g.value <> 'NaN'), 'NaN'),
               (array_agg(g.value ORDER BY g.t))[1], (array_agg(g.value ORDER BY g.t DESC))[1],
               coalesce(sum(g.rise), 0)
        FROM (SELECT s.series_id AS id, s.value, (extract(epoch FROM s."time") * 1000)::int8 AS t,
                     (extract(epoch FROM s."time") * 1000)::int8 / width * width AS bucket,
                     CASE WHEN s.value >= lag(s.value) OVER w THEN s.value - lag(s.value) OVER w
                          WHEN lag(s.value) OVER w IS NOT NULL THEN s.value END AS rise
              FROM vigil.samples(selector, to_timestamp(greatest(t0, edge)::float8 / 1000),
                                 to_time) s
              WINDOW w AS (PARTITION BY s.series_id ORDER BY s."time")) g
        GROUP BY g.id, g.bucket;
END
$$;
