-- SPDX-License-Identifier: Apache-2.0
-- More of the SQL surface: faster samples(), PromQL's rate and its kin, views on demand, figures.
-- Times inside are milliseconds since the Unix epoch; people see timestamptz.

-- The first millisecond not before, and the last one not after a time; infinity is the edge.
CREATE FUNCTION vigil.ms_from(at timestamptz) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN isfinite(at) THEN ceil(extract(epoch FROM at) * 1000)::int8
                WHEN at > 'epoch' THEN 9223372036854775807
                ELSE -9223372036854775807 END
$$;
CREATE FUNCTION vigil.ms_until(at timestamptz) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN isfinite(at) THEN floor(extract(epoch FROM at) * 1000)::int8
                WHEN at > 'epoch' THEN 9223372036854775807
                ELSE -9223372036854775807 END
$$;
CREATE FUNCTION vigil.ms_of(span interval) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (extract(epoch FROM span) * 1000)::int8 $$;

-- Checksums. CRC-32C of the bytes from position `first` on; its table is computed here.
DO $do$
DECLARE
    entries int8[] := '{}';
    c int8;
BEGIN
    FOR i IN 0..255 LOOP
        c := i;
        FOR bit IN 1..8 LOOP
            c := CASE WHEN c & 1 = 1 THEN (c >> 1) # x'82f63b78'::int8 ELSE c >> 1 END;
        END LOOP;
        entries := entries || c;
    END LOOP;
    EXECUTE format($create$
        CREATE FUNCTION vigil.crc32c(d bytea, first int DEFAULT 0) RETURNS int8
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
    entries CONSTANT int8[] := %L;
    c int8 := 4294967295;
BEGIN
    FOR i IN first..octet_length(d) - 1 LOOP
        c := (c >> 8) # entries[((c # get_byte(d, i)) & 255) + 1];
    END LOOP;
    RETURN c # 4294967295;
END
$body$
    $create$, entries);
END
$do$;

CREATE FUNCTION vigil.chunk_is_whole(data bytea) RETURNS bool
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT octet_length(data) > 5 AND vigil.crc32c(data, 4) = vigil.le_int(data, 0, 4)
$$;
CREATE FUNCTION vigil.page_is_whole(page bytea) RETURNS bool
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT octet_length(page) > 5 AND vigil.crc32c(page, 5) = vigil.le_int(page, 1, 4)
$$;

-- What was damaged after it was written: chunks and journal pages whose checksum is wrong.
CREATE VIEW vigil.broken_chunk AS
    SELECT tableoid::regclass AS leaf, series_id, to_timestamp(min_time::float8 / 1000) AS time, n
    FROM vigil.chunk WHERE NOT vigil.chunk_is_whole(data);
CREATE VIEW vigil.broken_page AS
    SELECT ingester, seq FROM vigil.unflushed_page WHERE NOT vigil.page_is_whole(page);

-- The samples of one chunk without staleness markers; none of a chunk of histograms. A chunk that
-- cannot be decoded gives a warning and no rows. `SET vigil.verify = on` also verifies checksums,
-- which takes half as long again.
CREATE OR REPLACE FUNCTION vigil.decode_chunk(min_time int8, data bytea)
RETURNS TABLE (t int8, v float8)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    d bytea := data || ''::bytea;  -- read from TOAST once, not with each get_byte
    value_encoding int;
    n int;
    r record;
    p int := 5;
    c int;
    times int8[];
BEGIN
    value_encoding := get_byte(d, 4) >> 4;
    IF value_encoding = 5 THEN
        RETURN;
    END IF;
    IF coalesce(current_setting('vigil.verify', true), '') IN ('on', 'true', '1')
        AND NOT vigil.chunk_is_whole(d) THEN
        RAISE EXCEPTION 'its checksum is wrong';
    END IF;
    r := vigil.varint(d, p);
    n := r.x;
    r := vigil.varint(d, r.p);
    p := r.p;
    IF value_encoding <> 0 AND r.x < n THEN  -- the summary
        FOR i IN 1..5 LOOP
            c := get_byte(d, p);
            p := p + 1 + CASE WHEN c >= 240 THEN 0 ELSE c & 15 END;
        END LOOP;
        r := vigil.varint(d, p);
        p := r.p;
    END IF;
    r := vigil.decode_times(d, get_byte(d, 4) & 15, n, min_time, p);
    times := r.times;
    RETURN QUERY SELECT x.t, x.v
        FROM unnest(times, vigil.decode_values(d, value_encoding, n, r.p)) AS x (t, v)
        WHERE x.v IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a chunk that begins at % cannot be decoded: %', min_time, SQLERRM;
END
$$;

-- The samples of one journal page that are of the series in `wanted` (sorted) and between t0 and
-- t1, without staleness markers. The runs of series are looked at first: a page without a wanted
-- series costs little. Of the values, all before the last wanted one are stepped over and only the
-- wanted ones are computed.
CREATE OR REPLACE FUNCTION vigil.decode_page(page bytea, wanted int8[], t0 int8, t1 int8)
RETURNS TABLE (series_id int8, t int8, v float8)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n int;
    wanted_n int := cardinality(wanted);
    lowest int8 := wanted[1];
    highest int8 := wanted[wanted_n];
    r record;
    p int;
    b int;
    covered int := 0;
    run int;
    id int8 := 0;
    k int;
    clock int8 := 0;
    -- The wanted samples' positions in the page, their ids and times.
    positions int[] := '{}';
    ids int8[] := '{}';
    times int8[] := '{}';
    hits int := 0;
    in_span bool := false;
    j int := 1;  -- the next of them
    number_p int;  -- of the control byte of the last number
    value_p int := -1;  -- of the number that `value` is
    c int;
    value float8;
BEGIN
    IF get_byte(page, 0) = 2 THEN  -- histograms
        RETURN;
    END IF;
    IF get_byte(page, 0) <> 1 THEN
        RAISE EXCEPTION 'the format % is unknown', get_byte(page, 0);
    END IF;
    r := vigil.varint(page, 5);
    n := r.x;
    p := r.p;
    WHILE covered < n LOOP
        r := vigil.varint(page, p);
        run := r.x;
        r := vigil.varint(page, r.p);
        p := r.p;
        id := id + vigil.unzigzag(r.x);
        IF id <= highest AND id + run > lowest THEN
            k := width_bucket(id - 1, wanted) + 1;  -- the first wanted one from id on
            WHILE k <= wanted_n AND wanted[k] < id + run LOOP
                hits := hits + 1;
                positions[hits] := covered + (wanted[k] - id)::int;
                ids[hits] := wanted[k];
                k := k + 1;
            END LOOP;
        END IF;
        id := id + run - 1;
        covered := covered + run;
    END LOOP;
    IF hits = 0 THEN
        RETURN;
    END IF;
    covered := 0;
    WHILE covered < n LOOP
        r := vigil.varint(page, p);
        covered := covered + r.x::int;
        r := vigil.varint(page, r.p);
        p := r.p;
        clock := clock + vigil.unzigzag(r.x);
        in_span := in_span OR clock BETWEEN t0 AND t1;
        WHILE j <= hits AND positions[j] < covered LOOP
            times[j] := clock;
            j := j + 1;
        END LOOP;
    END LOOP;
    IF NOT in_span THEN
        RETURN;
    END IF;
    covered := 0;  -- values known so far
    FOR i IN 1..hits LOOP
        b := positions[i];
        WHILE covered <= b LOOP
            c := get_byte(page, p);
            IF c >= 144 THEN  -- a repetition
                covered := covered + c - 143;
                p := p + 1;
            ELSE
                covered := covered + 1;
                number_p := p;
                p := p + 1 + (c & 15);
            END IF;
        END LOOP;
        IF times[i] BETWEEN t0 AND t1 THEN
            IF value_p <> number_p THEN
                value := vigil.number_at(page, number_p + 1, get_byte(page, number_p));
                value_p := number_p;
            END IF;
            IF value IS NOT NULL THEN
                series_id := ids[i];
                t := times[i];
                v := value;
                RETURN NEXT;
            END IF;
        END IF;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a journal page cannot be decoded: %', SQLERRM;
END
$$;

-- The matchers of a selector; the metric's name is a matcher of __name__.
CREATE FUNCTION vigil.matchers(selector text)
RETURNS TABLE (name text, op text, value text)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    head text[];
    body text;
    part text[];
BEGIN
    head := regexp_match(selector, '^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(.*)\}\s*)?$');
    IF head IS NULL OR head[1] IS NULL AND coalesce(btrim(head[2]), '') = '' THEN
        RAISE EXCEPTION 'the selector % is not like name{label="value", …}', quote_literal(selector)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    op := '=';
    IF head[1] IS NOT NULL THEN
        name := '__name__';
        value := head[1];
        RETURN NEXT;
    END IF;
    body := coalesce(head[2], '');
    WHILE body !~ '^\s*$' LOOP
        part := regexp_match(body,
            '^\s*([a-zA-Z_][a-zA-Z0-9_]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*'
            '("(?:[^"\\]|\\.)*"|''(?:[^''\\]|\\.)*''|`[^`]*`)\s*(?:,(.*)|$)');
        IF part IS NULL THEN
            RAISE EXCEPTION 'the selector % is not understood from % on', quote_literal(selector),
                quote_literal(body) USING ERRCODE = 'invalid_parameter_value';
        END IF;
        name := CASE WHEN left(part[1], 1) = '"' THEN vigil.unquoted(part[1]) ELSE part[1] END;
        op := part[2];
        value := vigil.unquoted(part[3]);
        RETURN NEXT;
        body := coalesce(part[4], '');
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION vigil.selector_condition(selector text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(
        CASE WHEN m.name = '__name__' THEN 'metric'
             ELSE format('coalesce(labels->>%L, '''')', m.name) END
        || CASE m.op WHEN '=' THEN format(' = %L', m.value)
                     WHEN '!=' THEN format(' <> %L', m.value)
                     WHEN '=~' THEN format(' ~ %L', '^(?:' || m.value || ')$')
                     ELSE format(' !~ %L', '^(?:' || m.value || ')$') END,
        ' AND ')
    FROM vigil.matchers(selector) m
$$;

-- Equal labels are looked for in the stored array first: making jsonb of the labels of every
-- series costs more.
CREATE OR REPLACE FUNCTION vigil.match_series(selector text)
RETURNS TABLE (series_id int8, metric text, labels jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    quick text;
BEGIN
    SELECT coalesce(string_agg(format(' AND d.labels @> ARRAY[%L, %L]', m.name, m.value), ''), '')
        INTO quick FROM vigil.matchers(selector) m
        WHERE m.op = '=' AND m.name <> '__name__' AND m.value <> '';
    RETURN QUERY EXECUTE
        'SELECT id, metric, labels FROM (SELECT d.id, d.metric, '
        'CASE WHEN d.metric = '''' THEN ''{}''::jsonb '
        'ELSE jsonb_build_object(''__name__'', d.metric) END || jsonb_object(d.labels) AS labels '
        'FROM vigil.series_data d WHERE true' || quick || ') s WHERE '
        || vigil.selector_condition(selector);
END
$$;

-- A flush moves samples from the journal to chunks and then empties the table. A function that
-- holds these locks first sees each sample in one of both.
CREATE FUNCTION vigil.hold_journal() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    LOCK TABLE vigil.journal_0, vigil.journal_1, vigil.journal_2, vigil.journal_3,
        vigil.journal_4, vigil.journal_5, vigil.journal_6, vigil.journal_7 IN ACCESS SHARE MODE;
END
$$;

-- The samples of the series `ids` (sorted) from t0 to t1, both inclusive, from chunks and journal,
-- each time of a series once. Chunks seldom overlap (late samples, imports); only then the samples
-- are sorted, and of equal times the one from the chunk that begins first stays, as in PromQL.
CREATE FUNCTION vigil.samples_of(ids int8[], t0 int8, t1 int8)
RETURNS TABLE (series_id int8, t int8, v float8)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    oldest int8;
    overlap bool;
    newest_chunk int8;
    j_ids int8[];
    j_times int8[];
    j_values float8[];
    j_oldest int8;
BEGIN
    PERFORM vigil.hold_journal();
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
    IF overlap OR j_oldest <= newest_chunk THEN
        RETURN QUERY
            SELECT DISTINCT ON (x.series_id, x.t) x.series_id, x.t, x.v
            FROM (
                SELECT c.series_id, c.min_time AS start, d.t, d.v
                FROM vigil.chunk c, vigil.decode_chunk(c.min_time, c.data) d
                WHERE c.series_id = ANY (ids) AND c.min_time BETWEEN oldest AND t1
                    AND c.min_time + c.span_ms >= t0 AND d.t BETWEEN t0 AND t1
                UNION ALL
                SELECT j.series_id, 9223372036854775807, j.t, j.v
                FROM unnest(j_ids, j_times, j_values) AS j (series_id, t, v)
            ) x ORDER BY x.series_id, x.t, x.start;
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

CREATE OR REPLACE FUNCTION vigil.samples(selector text,
                                         from_time timestamptz DEFAULT now() - interval '1 hour',
                                         to_time timestamptz DEFAULT now())
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ids int8[];
    all_labels jsonb[];
BEGIN
    SELECT array_agg(m.series_id ORDER BY m.series_id), array_agg(m.labels ORDER BY m.series_id)
        INTO ids, all_labels FROM vigil.match_series(selector) m;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT s.id, to_timestamp(x.t::float8 / 1000), x.v, s.labels
        FROM vigil.samples_of(ids, vigil.ms_from(from_time), vigil.ms_until(to_time)) x
        JOIN unnest(ids, all_labels) AS s (id, labels) ON s.id = x.series_id;
END
$$;

-- PromQL's rate(), increase() or delta() of one series at each `step` from first_end to last_end:
-- the very formula of the PromQL engine, operation by operation, so that the results are the same
-- bits. The window is open at the start and closed at the end. The difference between the last and
-- the first sample, with what counters lost in resets, is extrapolated to the edges of the window:
-- to an edge nearer than 1.1 average intervals wholly, else by half an interval; and not to before
-- the time at which a counter would have been zero. Below two samples there is no result.
-- Comparisons with NaN are spelled out, because in SQL NaN is above all numbers.
CREATE FUNCTION vigil.extrapolated(kind text, times int8[], vals float8[], range_ms int8,
                                   first_end int8, last_end int8, step_ms int8)
RETURNS TABLE (t int8, v float8)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    nan CONSTANT float8 := 'NaN';
    counter bool := kind <> 'delta';
    n int := cardinality(times);
    resets int[] := '{}';
    reset_n int := 0;
    reset int := 1;  -- the first reset that may be behind lo
    r int;
    lo int := 1;  -- the first sample of the window
    hi int := 0;  -- the last one
    difference float8;
    sampled float8;
    average float8;
    to_start float8;
    to_end float8;
    to_zero float8;
    factor float8;
BEGIN
    IF step_ms <= 0 OR range_ms <= 0 THEN
        RAISE EXCEPTION 'step and range must be at least a millisecond'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF counter THEN
        FOR i IN 2..n LOOP
            IF vals[i] < vals[i - 1] AND vals[i - 1] <> nan THEN
                reset_n := reset_n + 1;
                resets[reset_n] := i;
            END IF;
        END LOOP;
    END IF;
    t := first_end;
    WHILE t <= last_end LOOP
        WHILE hi < n AND times[hi + 1] <= t LOOP
            hi := hi + 1;
        END LOOP;
        WHILE lo <= hi AND times[lo] <= t - range_ms LOOP
            lo := lo + 1;
        END LOOP;
        IF hi > lo THEN
            difference := vals[hi] - vals[lo];
            WHILE reset <= reset_n AND resets[reset] <= lo LOOP
                reset := reset + 1;
            END LOOP;
            r := reset;
            WHILE r <= reset_n AND resets[r] <= hi LOOP
                difference := difference + vals[resets[r] - 1];
                r := r + 1;
            END LOOP;
            sampled := (times[hi] - times[lo])::float8 / 1000;
            average := sampled / (hi - lo);
            to_start := (times[lo] - (t - range_ms))::float8 / 1000;
            to_end := (t - times[hi])::float8 / 1000;
            IF to_start >= average * 1.1::float8 THEN
                to_start := average / 2;
            END IF;
            IF counter AND difference > 0 AND difference <> nan AND vals[lo] >= 0
                AND vals[lo] <> nan THEN
                to_zero := sampled * (vals[lo] / difference);
                IF to_zero < to_start THEN
                    to_start := to_zero;
                END IF;
            END IF;
            IF to_end >= average * 1.1::float8 THEN
                to_end := average / 2;
            END IF;
            factor := (sampled + to_start + to_end) / sampled;
            IF kind = 'rate' THEN
                factor := factor / (range_ms::float8 / 1000);
            END IF;
            v := difference * factor;
            RETURN NEXT;
        END IF;
        t := t + step_ms;
    END LOOP;
END
$$;

-- What rate(), increase() and delta() have in common. Steps begin at from_time.
CREATE FUNCTION vigil.extrapolated_of(kind text, selector text, span interval,
                                      from_time timestamptz, to_time timestamptz, step interval)
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    range_ms int8 := vigil.ms_of(span);
    t0 int8 := vigil.ms_from(from_time);
    t1 int8 := vigil.ms_until(to_time);
    ids int8[];
    all_labels jsonb[];
BEGIN
    SELECT array_agg(m.series_id ORDER BY m.series_id), array_agg(m.labels ORDER BY m.series_id)
        INTO ids, all_labels FROM vigil.match_series(selector) m;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT s.id, to_timestamp(e.t::float8 / 1000), e.v, s.labels
        FROM (SELECT x.series_id, array_agg(x.t ORDER BY x.t) AS times,
                     array_agg(x.v ORDER BY x.t) AS vals
              FROM vigil.samples_of(ids, t0 - range_ms + 1, t1) x GROUP BY x.series_id) c
            JOIN unnest(ids, all_labels) AS s (id, labels) ON s.id = c.series_id,
            vigil.extrapolated(kind, c.times, c.vals, range_ms, t0, t1, vigil.ms_of(step)) e;
END
$$;

-- As PromQL's rate(selector[span]) at each step; resets of counters are taken into account.
CREATE FUNCTION vigil.rate(selector text, span interval,
                           from_time timestamptz DEFAULT now() - interval '1 hour',
                           to_time timestamptz DEFAULT now(),
                           step interval DEFAULT interval '1 minute')
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE sql VOLATILE AS $$
    SELECT * FROM vigil.extrapolated_of('rate', selector, span, from_time, to_time, step)
$$;
CREATE FUNCTION vigil.increase(selector text, span interval,
                               from_time timestamptz DEFAULT now() - interval '1 hour',
                               to_time timestamptz DEFAULT now(),
                               step interval DEFAULT interval '1 minute')
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE sql VOLATILE AS $$
    SELECT * FROM vigil.extrapolated_of('increase', selector, span, from_time, to_time, step)
$$;
CREATE FUNCTION vigil.delta(selector text, span interval,
                            from_time timestamptz DEFAULT now() - interval '1 hour',
                            to_time timestamptz DEFAULT now(),
                            step interval DEFAULT interval '1 minute')
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE sql VOLATILE AS $$
    SELECT * FROM vigil.extrapolated_of('delta', selector, span, from_time, to_time, step)
$$;

-- The newest sample of each series that is not older than `lookback` before `at`; a series that
-- ended (its last sample is a staleness marker) shows what it had before.
CREATE FUNCTION vigil.last(selector text, lookback interval DEFAULT interval '5 minutes',
                           at timestamptz DEFAULT now())
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE sql VOLATILE AS $$
    SELECT DISTINCT ON (s.series_id) s.series_id, s.time, s.value, s.labels
    FROM vigil.samples(selector, at - lookback, at) s ORDER BY s.series_id, s.time DESC
$$;

CREATE FUNCTION vigil.labels(series_id int8) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.labels FROM vigil.series s WHERE s.id = series_id
$$;

-- The start of the bucket of this width that a time is in; buckets are counted from the epoch.
CREATE FUNCTION vigil.time_bucket(width interval, "time" timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_bin(width, "time", timestamptz 'epoch')
$$;

-- All buckets that touch a span, to join with so that empty ones show too.
CREATE FUNCTION vigil.buckets(width interval, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (bucket timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT generate_series(vigil.time_bucket(width, from_time), to_time, width)
$$;

-- A view and a function per metric, on demand:
--   metric.<name>            time, value, series_id, labels and one text column per label; a label
--                            of the name of one of the first four is label_<its name>. It reads
--                            all there is: `SET vigil.view_from = '2026-01-31'` (and
--                            vigil.view_to) narrows it, a WHERE on time does not.
--   metric.<name>(from, to)  the same columns of a span.
-- Calling it again adds the labels that came since. A label whose name would be too long for
-- PostgreSQL is in `labels` only.
CREATE FUNCTION vigil.metric_view(metric_name text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    quoted text := format('metric.%I', metric_name);
    selector text := format('{__name__=%s}', to_json(metric_name));
    known text[];
    columns text;
BEGIN
    IF octet_length(metric_name) > 63 THEN
        RAISE EXCEPTION 'the name % is too long for a view: use vigil.samples', metric_name
            USING ERRCODE = 'name_too_long';
    END IF;
    IF NOT EXISTS (SELECT FROM vigil.series_data d WHERE d.metric = metric_name) THEN
        RAISE EXCEPTION 'there is no metric %', metric_name USING ERRCODE = 'undefined_object';
    END IF;
    IF to_regnamespace('metric') IS NULL THEN
        CREATE SCHEMA metric;
    END IF;
    -- A column cannot leave a view nor change its place: those it has come first.
    SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO known FROM pg_attribute a
        WHERE a.attrelid = to_regclass(quoted) AND a.attnum > 4 AND NOT a.attisdropped;
    SELECT string_agg(format(', s.labels->>%L AS %I', c.label, c.col), ''
                      ORDER BY array_position(known, c.col), c.col) INTO columns
        FROM (SELECT DISTINCT ON (l.col) l.col, l.label
              FROM (SELECT x.label, CASE WHEN x.label IN ('time', 'value', 'series_id', 'labels')
                                         THEN 'label_' || x.label ELSE x.label END AS col
                    FROM (SELECT DISTINCT d.labels[i] AS label
                          FROM vigil.series_data d, generate_series(1, cardinality(d.labels), 2) i
                          WHERE d.metric = metric_name
                          UNION SELECT substring(k FROM '^(?:label_(?=time$|value$|series_id$|'
                                                        'labels$))?(.*)$')
                          FROM unnest(known) k) x
                    WHERE octet_length(x.label) <= 63) l
              ORDER BY l.col, l.label) c;
    columns := 'SELECT s.time, s.value, s.series_id, s.labels' || coalesce(columns, '');
    EXECUTE format('CREATE OR REPLACE VIEW %s AS %s FROM vigil.samples(%L, '
                   'coalesce(nullif(current_setting(''vigil.view_from'', true), ''''), '
                   '''-infinity'')::timestamptz, '
                   'coalesce(nullif(current_setting(''vigil.view_to'', true), ''''), '
                   '''infinity'')::timestamptz) s', quoted, columns, selector);
    EXECUTE format('CREATE OR REPLACE FUNCTION %s(from_time timestamptz, '
                   'to_time timestamptz DEFAULT now()) RETURNS SETOF %1$s LANGUAGE sql VOLATILE '
                   'AS %L', quoted,
                   format('%s FROM vigil.samples(%L, from_time, to_time) s', columns, selector));
    RETURN quoted;
END
$$;

CREATE FUNCTION vigil.drop_metric_view(metric_name text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    EXECUTE format('DROP FUNCTION IF EXISTS metric.%I(timestamptz, timestamptz)', metric_name);
    EXECUTE format('DROP VIEW IF EXISTS metric.%I', metric_name);
END
$$;

-- One row per metric.
CREATE VIEW vigil.metrics AS
    SELECT d.metric AS name, count(*) AS n_series,
           (SELECT array_agg(DISTINCT x.labels[i] ORDER BY x.labels[i])
            FROM vigil.series_data x, generate_series(1, cardinality(x.labels), 2) AS i
            WHERE x.metric = d.metric) AS label_names,
           to_regclass(format('metric.%I', d.metric)) AS metric_view
    FROM vigil.series_data d GROUP BY d.metric;

-- One row per label name: what makes series many.
CREATE VIEW vigil.cardinality AS
    SELECT d.labels[i] AS label, count(DISTINCT d.labels[i + 1]) AS n_values,
           count(*) AS n_series, count(DISTINCT d.metric) AS n_metrics
    FROM vigil.series_data d, generate_series(1, cardinality(d.labels), 2) AS i
    GROUP BY d.labels[i];

-- One row per leaf of the chunk table; bytes with index and TOAST.
CREATE VIEW vigil.storage AS
    SELECT x.*, round(x.bytes::numeric / nullif(x.n_samples, 0), 3) AS bytes_per_sample
    FROM (SELECT l.rel AS leaf, l.class, to_timestamp(l.min_time::float8 / 1000) AS from_time,
                 to_timestamp(l.end_time::float8 / 1000) AS to_time,
                 to_timestamp(l.newest::float8 / 1000) AS newest, l.n_chunks, l.n_samples,
                 pg_total_relation_size(to_regclass('vigil.' || l.rel)) AS bytes
          FROM vigil.leaf l) x;

-- Lets a role read everything here, and nothing else: SELECT vigil.grant_read('grafana').
CREATE FUNCTION vigil.grant_read(role_name text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    space text;
BEGIN
    IF to_regnamespace('metric') IS NULL THEN
        CREATE SCHEMA metric;
    END IF;
    FOREACH space IN ARRAY ARRAY['vigil', 'metric'] LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', space, role_name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', space, role_name);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO %I',
                       space, role_name);
    END LOOP;
END
$$;
