-- SPDX-License-Identifier: Apache-2.0
-- Buckets of roll-ups hold what PromQL's windows hold: (start, start + width], so that windows that
-- begin and end on borders of buckets are answered exactly. Before, the sample on the border
-- counted for the bucket that begins there.

-- A row's leaf cannot be told from min_time any more: a sample at the very start of a leaf is in the
-- bucket that ends there.
ALTER TABLE vigil.rollup_5m ADD COLUMN leaf int8;  -- min_time of the leaf of chunks
ALTER TABLE vigil.rollup_1h ADD COLUMN leaf int8;

-- Where the samples are still there, the roll-ups are made anew.
DELETE FROM vigil.rollup_5m r USING vigil.leaf l
WHERE l.class = r.class AND r.min_time >= l.min_time AND r.min_time < l.end_time;
DELETE FROM vigil.rollup_1h r USING vigil.leaf l
WHERE l.class = r.class AND r.min_time >= l.min_time AND r.min_time < l.end_time;
UPDATE vigil.leaf SET rolled_up = -1;

-- Which resolutions it was rolled up to: 1 is 5m, 2 is 1h. One that is switched on later is made of
-- all leaves that are there.
ALTER TABLE vigil.leaf ADD COLUMN resolutions int2 NOT NULL DEFAULT 0;

DROP FUNCTION vigil.rollup(text, text, timestamptz, timestamptz);
DROP FUNCTION vigil.decode_rollup(vigil.rollup_5m);

-- The buckets of a row.
CREATE FUNCTION vigil.decode_rollup(min_time int8, count bytea, sum bytea, min bytea, max bytea,
                                    first bytea, last bytea, increase bytea)
RETURNS TABLE (t int8, count float8, sum float8, min float8, max float8, first float8, last float8,
               increase float8)
LANGUAGE sql STABLE AS $$
    SELECT x.t, x.v, x.v1, x.v2, x.v3, x.v4, x.v5, x.v6
    FROM ROWS FROM (vigil.decode_chunk($1, $2), vigil.decode_chunk($1, $3),
                    vigil.decode_chunk($1, $4), vigil.decode_chunk($1, $5),
                    vigil.decode_chunk($1, $6), vigil.decode_chunk($1, $7),
                    vigil.decode_chunk($1, $8))
        AS x(t, v, t1, v1, t2, v2, t3, v3, t4, v4, t5, v5, t6, v6)
$$;

-- Roll-ups of a selector's series, by bucket: '5m' or '1h' wide. "time" is where it begins; a sample
-- on the border is in the bucket that ends there. Spans of leaves that are not rolled up yet come
-- from the samples themselves. A bucket on the border of two leaves comes in two pieces, which are
-- put together here.
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
    edge int8;  -- buckets that begin here or later come from samples
BEGIN
    IF width IS NULL THEN
        RAISE EXCEPTION 'there are roll-ups of ''5m'' and ''1h'', not of %', quote_literal(resolution)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(m.series_id ORDER BY m.series_id) INTO ids FROM vigil.match_series(selector) m;
    -- The leaf behind may have a sample on its very start, which is in the bucket before.
    SELECT coalesce(min(l.min_time), CASE WHEN EXISTS (SELECT FROM vigil.leaf)
                                          THEN (SELECT max(end_time) FROM vigil.leaf) ELSE t0 END)
           - width
    INTO edge FROM vigil.leaf l WHERE l.class = 1 AND l.rolled_up <> l.generation;
    RETURN QUERY EXECUTE format(
        'SELECT y.id, to_timestamp(y.t::float8 / 1000), sum(y.count), sum(y.sum), '
        'coalesce(min(y.min) FILTER (WHERE y.min <> ''NaN''), ''NaN''), '
        'coalesce(max(y.max) FILTER (WHERE y.max <> ''NaN''), ''NaN''), '
        '(array_agg(y.first ORDER BY y.leaf))[1], (array_agg(y.last ORDER BY y.leaf DESC))[1], '
        'sum(y.rise) FROM (SELECT x.*, x.increase + coalesce(CASE WHEN x.t = x.row_start THEN CASE '
        'WHEN x.first >= x.before THEN x.first - x.before WHEN x.before IS NOT NULL THEN x.first '
        'END END, 0) AS rise FROM (SELECT r.series_id AS id, r.min_time AS row_start, '
        'coalesce(r.leaf, r.min_time) AS leaf, d.*, lag(d.last) OVER (PARTITION BY r.series_id '
        'ORDER BY d.t, coalesce(r.leaf, r.min_time)) AS before FROM vigil.rollup_%s r, '
        'vigil.decode_rollup(r.min_time, r.count, r.sum, r.min, r.max, r.first, r.last, '
        'r.increase) d WHERE r.series_id = ANY ($1) AND r.min_time <= $3 '
        'AND r.min_time + r.span_ms >= $2 - 2 * $5) x WHERE x.t BETWEEN $2 AND $3 AND x.t < $4) y '
        'GROUP BY y.id, y.t', resolution)
        USING ids, t0, t1, edge, width;
    RETURN QUERY
        SELECT g.id, to_timestamp(g.bucket::float8 / 1000), count(*)::float8, sum(g.value),
               coalesce(min(g.value) FILTER (WHERE g.value <> 'NaN'), 'NaN'),
               coalesce(max(g.value) FILTER (WHERE g.value <> 'NaN'), 'NaN'),
               (array_agg(g.value ORDER BY g.t))[1], (array_agg(g.value ORDER BY g.t DESC))[1],
               coalesce(sum(g.rise), 0)
        FROM (SELECT s.series_id AS id, s.value, (extract(epoch FROM s."time") * 1000)::int8 AS t,
                     (floor(((extract(epoch FROM s."time") * 1000)::int8 - 1)::numeric / width)
                      * width)::int8 AS bucket,
                     CASE WHEN s.value >= lag(s.value) OVER w THEN s.value - lag(s.value) OVER w
                          WHEN lag(s.value) OVER w IS NOT NULL THEN s.value END AS rise
              -- From a bucket earlier, for the rise since the sample before.
              FROM vigil.samples(selector, to_timestamp((greatest(t0, edge) - width)::float8 / 1000),
                                 to_time) s
              WINDOW w AS (PARTITION BY s.series_id ORDER BY s."time")) g
        WHERE g.bucket >= greatest(t0, edge)
        GROUP BY g.id, g.bucket;
END
$$;
