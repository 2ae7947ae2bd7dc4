-- SPDX-License-Identifier: Apache-2.0
-- Roll-ups beside gaps, late samples, deletes and native histograms.

ALTER TABLE vigil.rollup_5m
    -- A bit per bucket, bit k % 8 of byte k / 8: whether it has a sample on its very end. A deletion
    -- that begins there spares the others. NULL: not known.
    ADD COLUMN on_end bytea,
    -- A chunk of native histograms, the last one of each bucket, at the buckets' starts. Such rows
    -- have nothing in the columns of floats, and the other way round.
    ADD COLUMN histograms bytea;
ALTER TABLE vigil.rollup_1h ADD COLUMN on_end bytea, ADD COLUMN histograms bytea;

-- A leaf that was dropped and came back with a few old samples: its roll-ups know more, and are
-- read in place of it.
ALTER TABLE vigil.leaf ADD COLUMN thin boolean NOT NULL DEFAULT false;

-- Up to where retention has dropped leaves of the class. In gaps between leaves before it there were
-- samples once.
ALTER TABLE vigil.retention_class ADD COLUMN dropped_until int8;
UPDATE vigil.retention_class c
SET dropped_until = (SELECT min(l.min_time) FROM vigil.leaf l WHERE l.class = c.id)
WHERE EXISTS (SELECT FROM vigil.rollup_leaf);

-- The series by their retention class, as the server sorts them. ids are sorted.
CREATE FUNCTION vigil.ids_by_class(ids int8[]) RETURNS TABLE (class int2, members int8[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
    one record;
    others int8[] := ids;
BEGIN
    FOR one IN SELECT c.id, c.match FROM vigil.retention_class c
               WHERE c.rank IS NOT NULL AND c.id <> 1 ORDER BY c.rank LOOP
        class := one.id;
        SELECT array_agg(o.id ORDER BY o.id) INTO members
            FROM unnest(others) o(id) JOIN vigil.match_series(one.match) m ON m.series_id = o.id;
        CONTINUE WHEN members IS NULL;
        RETURN NEXT;
        SELECT array_agg(x.id ORDER BY x.id) INTO others
            FROM (SELECT unnest(others) EXCEPT SELECT unnest(members)) x(id);
    END LOOP;
    class := 1;
    members := others;
    IF members IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END
$$;

-- Where the buckets begin that have to be made of samples: those of leaves that are not rolled up to
-- the resolution or have got chunks since, those behind all leaves, and those with late samples
-- in the journal. Everything, for classes that are kept too short to be rolled up.
CREATE FUNCTION vigil.unrolled(class_id int2, ids int8[], width int8, t0 int8, t1 int8)
RETURNS int8multirange
LANGUAGE plpgsql STABLE AS $$
DECLARE
    bit int := CASE width WHEN 300000 THEN 1 ELSE 2 END;
    short_lived bool;
    spans int8multirange;
    behind int8;
    late int8multirange;
BEGIN
    SELECT c.retention_ms <> 0 AND (d.retention_ms = 0 OR c.retention_ms < d.retention_ms)
        INTO short_lived FROM vigil.retention_class c, vigil.retention_class d
        WHERE c.id = class_id AND d.id = 1 AND c.id <> 1;
    IF short_lived THEN
        RETURN int8multirange(int8range(t0, t1 + 1));
    END IF;
    -- The leaf may have a sample on its very start, which is in the bucket before; that one can be
    -- made anew unless its other samples were dropped.
    SELECT range_agg(int8range(
               l.min_time - CASE WHEN EXISTS (SELECT FROM vigil.leaf p WHERE p.class = l.class
                                              AND p.end_time = l.min_time)
                                 OR NOT EXISTS (SELECT FROM vigil.retention_class c
                                                WHERE c.id = l.class
                                                    AND c.dropped_until >= l.min_time)
                            THEN width ELSE 0 END,
               greatest(l.end_time, l.newest + 1)))
        INTO spans FROM vigil.leaf l
        WHERE l.class = class_id AND NOT l.thin AND (l.rolled_up <> l.generation
            OR l.n_chunks <> l.merged_chunks OR l.resolutions & bit = 0);
    SELECT coalesce((SELECT max(l.end_time) - width FROM vigil.leaf l WHERE l.class = class_id),
                    (SELECT c.dropped_until FROM vigil.retention_class c WHERE c.id = class_id), t0)
        INTO behind;
    SELECT range_agg(int8range(x.bucket, x.bucket + width)) INTO late
        FROM (SELECT DISTINCT (floor((d.t - 1)::numeric / width) * width)::int8 AS bucket
              FROM vigil.unflushed_page j, vigil.decode_page(j.page, ids, t0, t1) d) x;
    RETURN (coalesce(spans, '{}') + int8multirange(int8range(behind, NULL)) + coalesce(late, '{}'))
        * int8multirange(int8range(t0, t1 + 1));
END
$$;

-- Roll-ups of a selector's series, by bucket: '5m' or '1h' wide. "time" is where it begins; a sample
-- on the border is in the bucket that ends there. What is not rolled up yet comes from the samples
-- themselves. A bucket on the border of two leaves comes in two pieces, which are put together here.
CREATE OR REPLACE FUNCTION vigil.rollup(selector text, resolution text,
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
    part record;
    spans int8multirange;
    span int8range;
BEGIN
    IF width IS NULL THEN
        RAISE EXCEPTION 'there are roll-ups of ''5m'' and ''1h'', not of %', quote_literal(resolution)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(m.series_id ORDER BY m.series_id) INTO ids FROM vigil.match_series(selector) m;
    IF ids IS NULL OR t0 > t1 THEN
        RETURN;
    END IF;
    PERFORM vigil.hold_journal();
    FOR part IN SELECT * FROM vigil.ids_by_class(ids) LOOP
        spans := vigil.unrolled(part.class, part.members, width, t0, t1);
        RETURN QUERY EXECUTE format(
            'SELECT y.id, to_timestamp(y.t::float8 / 1000), sum(y.count), sum(y.sum), '
            'coalesce(min(y.min) FILTER (WHERE y.min <> ''NaN''), ''NaN''), '
            'coalesce(max(y.max) FILTER (WHERE y.max <> ''NaN''), ''NaN''), '
            '(array_agg(y.first ORDER BY y.leaf))[1], (array_agg(y.last ORDER BY y.leaf DESC))[1], '
            'sum(y.rise) FROM (SELECT x.*, x.increase + coalesce(CASE WHEN x.t = x.row_start THEN '
            'CASE WHEN x.first >= x.before THEN x.first - x.before WHEN x.before IS NOT NULL THEN '
            'x.first END END, 0) AS rise FROM (SELECT r.series_id AS id, r.min_time AS row_start, '
            'coalesce(r.leaf, r.min_time) AS leaf, d.*, lag(d.last) OVER (PARTITION BY r.series_id '
            'ORDER BY d.t, coalesce(r.leaf, r.min_time)) AS before FROM vigil.rollup_%s r, '
            'vigil.decode_rollup(r.min_time, r.count, r.sum, r.min, r.max, r.first, r.last, '
            'r.increase) d WHERE r.series_id = ANY ($1) AND r.min_time <= $3 '
            'AND r.min_time + r.span_ms >= $2 - 2 * $5 AND r.histograms IS NULL) x '
            'WHERE x.t BETWEEN $2 AND $3 AND NOT x.t <@ $4) y GROUP BY y.id, y.t', resolution)
            USING part.members, t0, t1, spans, width;
        FOR span IN SELECT unnest(spans) LOOP
            RETURN QUERY
                SELECT g.id, to_timestamp(g.bucket::float8 / 1000), count(*)::float8, sum(g.v),
                       coalesce(min(g.v) FILTER (WHERE g.v <> 'NaN'), 'NaN'),
                       coalesce(max(g.v) FILTER (WHERE g.v <> 'NaN'), 'NaN'),
                       (array_agg(g.v ORDER BY g.t))[1], (array_agg(g.v ORDER BY g.t DESC))[1],
                       coalesce(sum(g.rise), 0)
                FROM (SELECT s.series_id AS id, s.v, s.t,
                             (floor((s.t - 1)::numeric / width) * width)::int8 AS bucket,
                             CASE WHEN s.v >= lag(s.v) OVER w THEN s.v - lag(s.v) OVER w
                                  WHEN lag(s.v) OVER w IS NOT NULL THEN s.v END AS rise
                      -- From a bucket earlier, for the rise since the sample before.
                      FROM vigil.samples_of(part.members, lower(span) - width,
                                            least(upper(span) - 1 + width, t1)) s
                      WINDOW w AS (PARTITION BY s.series_id ORDER BY s.t)) g
                WHERE g.bucket <@ span
                GROUP BY g.id, g.bucket;
        END LOOP;
    END LOOP;
END
$$;
