-- SPDX-License-Identifier: Apache-2.0
-- Late chunks that are cut at the border of a leaf begin at the same time. Where such overlap, the
-- one written first counts, as for the server's readers and for merges.

-- The samples of the series `ids` (sorted) from t0 to t1, both inclusive, from chunks and journal,
-- each time of a series once, without deleted ones. Chunks seldom overlap (late samples, imports);
-- only then the samples are sorted, and of equal times the one from the chunk that begins first, of
-- these the one written first, stays, as in PromQL. The rows go through a store that spills to disk beyond work_mem: with more of
-- it large answers come twice as fast.
CREATE OR REPLACE FUNCTION vigil.samples_of(ids int8[], t0 int8, t1 int8)
RETURNS TABLE (series_id int8, t int8, v float8)
LANGUAGE plpgsql VOLATILE SET work_mem = '64MB' AS $$
DECLARE
    oldest int8;
    overlap bool;
    newest_chunk int8;
    j_ids int8[];
    j_times int8[];
    j_values float8[];
    j_oldest int8;
    deleted bool;
BEGIN
    PERFORM vigil.hold_journal();
    deleted := EXISTS (SELECT FROM vigil.tombstone d
                       WHERE d.t0 <= samples_of.t1 AND d.t1 >= samples_of.t0 AND d.series && ids);
    SELECT array_agg(d.series_id), array_agg(d.t), array_agg(d.v), min(d.t)
        INTO j_ids, j_times, j_values, j_oldest
        FROM vigil.unflushed_page j, vigil.decode_page(j.page, ids, t0, t1) d;
    SELECT min(l.min_time) INTO oldest FROM vigil.leaf l WHERE l.newest >= t0;
    SELECT max(x.min_time + x.span_ms), bool_or(x.min_time <= x.before)
        INTO newest_chunk, overlap
        FROM (SELECT c.min_time, c.span_ms,
                     max(c.min_time + c.span_ms) OVER (PARTITION BY c.series_id ORDER BY c.min_time
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
              FROM vigil.chunk c
              WHERE c.series_id = ANY (ids) AND c.min_time BETWEEN oldest AND t1
                  AND c.min_time + c.span_ms >= t0) x;
    IF deleted OR overlap OR j_oldest <= newest_chunk THEN
        RETURN QUERY
            SELECT DISTINCT ON (x.series_id, x.t) x.series_id, x.t, x.v
            FROM (
                SELECT c.series_id, c.min_time AS start, c.ctid AS place, d.t, d.v
                FROM vigil.chunk c, vigil.decode_chunk(c.min_time, c.data) d
                WHERE c.series_id = ANY (ids) AND c.min_time BETWEEN oldest AND t1
                    AND c.min_time + c.span_ms >= t0 AND d.t BETWEEN t0 AND t1
                UNION ALL
                SELECT j.series_id, 9223372036854775807, '(0,0)', j.t, j.v
                FROM unnest(j_ids, j_times, j_values) AS j (series_id, t, v)
            ) x
            WHERE NOT deleted OR NOT EXISTS (
                SELECT FROM vigil.tombstone g
                WHERE x.t BETWEEN g.t0 AND g.t1 AND x.series_id = ANY (g.series))
            ORDER BY x.series_id, x.t, x.start, x.place;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.series_id, d.t, d.v
        FROM vigil.chunk c, vigil.decode_chunk(c.min_time, c.data) d
        WHERE c.series_id = ANY (ids) AND c.min_time BETWEEN oldest AND t1
            AND c.min_time + c.span_ms >= t0 AND d.t BETWEEN t0 AND t1;
    RETURN QUERY SELECT * FROM unnest(j_ids, j_times, j_values);
END
$$;

CREATE OR REPLACE FUNCTION vigil.histograms(selector text,
                                 from_time timestamptz DEFAULT now() - interval '1 hour',
                                 to_time timestamptz DEFAULT now())
RETURNS TABLE (series_id int8, "time" timestamptz, count float8, sum float8, buckets jsonb,
               labels jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    first int8 := vigil.ms_from(from_time);
    last int8 := vigil.ms_until(to_time);
    ids int8[];
    all_labels jsonb[];
    oldest int8;
BEGIN
    SELECT array_agg(m.series_id ORDER BY m.series_id), array_agg(m.labels ORDER BY m.series_id)
        INTO ids, all_labels FROM vigil.match_series(selector) m;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    PERFORM vigil.hold_journal();
    SELECT min(l.min_time) INTO oldest FROM vigil.leaf l WHERE l.newest >= first;
    RETURN QUERY
        SELECT DISTINCT ON (s.id, x.t) s.id, to_timestamp(x.t::float8 / 1000), x.count, x.sum,
               x.buckets, s.labels
        FROM (
            SELECT c.series_id, c.min_time AS start, c.ctid AS place, h.*
            FROM vigil.chunk c, vigil.decode_histogram_chunk(c.min_time, c.data) h
            WHERE c.series_id = ANY (ids) AND c.encoding >> 8 = 5
                AND c.min_time BETWEEN oldest AND last AND c.min_time + c.span_ms >= first
            UNION ALL
            SELECT h.series_id, 9223372036854775807, '(0,0)', h.t, h.count, h.sum, h.buckets
            FROM (SELECT j.page FROM vigil.unflushed_page j WHERE get_byte(j.page, 0) = 2
                  UNION ALL
                  -- A large histogram is in parts with numbers from 0 on: those of one histogram
                  -- stand behind each other in the journal.
                  SELECT '\x0200000000'::bytea || string_agg(q.bytes, ''::bytea ORDER BY q.seq)
                  FROM (SELECT y.ingester, y.seq, substr(y.page, y.body + 1) AS bytes,
                               y.seq - y.part AS whole
                        FROM (SELECT j.ingester, j.seq, j.page, a.x AS part, b.p AS body
                              FROM vigil.unflushed_page j, vigil.varint(j.page, 5) a,
                                   vigil.varint(j.page, a.p) b
                              WHERE get_byte(j.page, 0) = 3) y) q
                  GROUP BY q.ingester, q.whole) g, vigil.decode_histogram_page(g.page) h
        ) x JOIN unnest(ids, all_labels) AS s (id, labels) ON s.id = x.series_id
        WHERE x.t BETWEEN first AND last
            AND NOT EXISTS (SELECT FROM vigil.tombstone g WHERE x.t BETWEEN g.t0 AND g.t1
                            AND x.series_id = ANY (g.series))
        ORDER BY s.id, x.t, x.start, x.place;
END
$$;
