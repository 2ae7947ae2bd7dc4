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

-- Values of encoding 6, block by block.
CREATE FUNCTION vigil.decode_blocks(d bytea, n int, p int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    flags int := get_byte(d, p);
    mode int := flags & 3;
    corrected bool := flags & 4 <> 0;
    c int := get_byte(d, p + 1);
    divisor float8 := vigil.number_at(d, p + 2, c);
    block_n int;
    start int := 0;  -- of the block
    values_n int;    -- in the block
    base int8 := 0;
    slope int8 := 0;
    h int;
    bits int;
    mask int8;
    packed_p int;
    place int;
    patch_n int;
    patch_at int[];
    patch_x int8[];
    patch int;
    special_n int;
    special_at int[];
    special_v float8[];
    special int;
    fix_base int8;
    fix_bits int;
    fix_mask int8;
    fix_p int;
    bit_at int;
    x int8;
    m int8 := 0;
    v float8;
    vals float8[] := array_fill(NULL::float8, ARRAY[n]);
BEGIN
    IF flags > 7 OR mode = 3 THEN
        RAISE EXCEPTION 'the mode % is unknown', flags;
    END IF;
    r := vigil.varint(d, p + 2 + (c & 15));
    p := r.p;
    block_n := r.x;
    WHILE start < n LOOP
        values_n := least(block_n, n - start);
        r := vigil.varint(d, p);
        p := r.p;
        base := base + vigil.unzigzag(r.x);
        IF mode > 0 THEN
            r := vigil.varint(d, p);
            p := r.p;
            slope := vigil.unzigzag(r.x);
        END IF;
        h := get_byte(d, p);
        p := p + 1;
        bits := h & 63;
        mask := (1::int8 << bits) - 1;
        patch_n := 0;
        IF h & 64 <> 0 THEN
            r := vigil.varint(d, p);
            p := r.p;
            patch_n := r.x;
            place := -1;
            FOR j IN 1..patch_n LOOP
                r := vigil.varint(d, p);
                place := place + 1 + r.x::int;
                patch_at[j] := place;
                r := vigil.varint(d, r.p);
                p := r.p;
                patch_x[j] := vigil.unzigzag(r.x) << bits;
            END LOOP;
        END IF;
        special_n := 0;
        IF h & 128 <> 0 THEN
            r := vigil.varint(d, p);
            p := r.p;
            special_n := r.x;
            place := -1;
            FOR j IN 1..special_n LOOP
                r := vigil.varint(d, p);
                place := place + 1 + r.x::int;
                special_at[j] := place;
                c := get_byte(d, r.p);
                special_v[j] := CASE WHEN c <> 240 THEN vigil.number_at(d, r.p + 1, c) END;
                p := r.p + 1 + CASE WHEN c = 240 THEN 0 ELSE c & 15 END;
            END LOOP;
        END IF;
        packed_p := p;
        p := p + ((values_n - (mode = 1)::int) * bits + 7) / 8;
        IF corrected THEN
            r := vigil.varint(d, p);
            fix_base := vigil.unzigzag(r.x);
            fix_bits := get_byte(d, r.p);
            fix_mask := (1::int8 << fix_bits) - 1;
            fix_p := r.p + 1;
            p := fix_p + (values_n * fix_bits + 7) / 8;
        END IF;
        -- A block without anything out of the ordinary: fewer statements per value.
        IF patch_n = 0 AND special_n = 0 AND NOT corrected THEN
            IF mode = 1 THEN
                m := base;
                vals[start + 1] := m::float8 / divisor;
                FOR i IN 1..values_n - 1 LOOP
                    bit_at := (i - 1) * bits;
                    m := m + slope
                        + (vigil.le_int(d, packed_p + bit_at / 8, (bit_at % 8 + bits + 7) / 8)
                           >> bit_at % 8 & mask);
                    vals[start + i + 1] := m::float8 / divisor;
                END LOOP;
            ELSE  -- the slope of mode 0 is 0
                FOR i IN 0..values_n - 1 LOOP
                    bit_at := i * bits;
                    vals[start + i + 1] := (base + (i * slope >> 16)
                        + (vigil.le_int(d, packed_p + bit_at / 8, (bit_at % 8 + bits + 7) / 8)
                           >> bit_at % 8 & mask))::float8 / divisor;
                END LOOP;
            END IF;
            start := start + values_n;
            CONTINUE;
        END IF;
        patch := 1;
        special := 1;
        FOR i IN 0..values_n - 1 LOOP
            IF mode = 1 AND i = 0 THEN
                m := base;
            ELSE
                bit_at := CASE WHEN mode = 1 THEN i - 1 ELSE i END * bits;
                x := vigil.le_int(d, packed_p + bit_at / 8, (bit_at % 8 + bits + 7) / 8)
                    >> bit_at % 8 & mask;
                IF patch <= patch_n AND patch_at[patch] = i THEN
                    x := x + patch_x[patch];
                    patch := patch + 1;
                END IF;
                m := CASE mode WHEN 0 THEN base + x WHEN 1 THEN m + slope + x
                               ELSE base + x + (i * slope >> 16) END;
            END IF;
            IF special <= special_n AND special_at[special] = i THEN
                vals[start + i + 1] := special_v[special];
                special := special + 1;
                CONTINUE;
            END IF;
            v := m::float8 / divisor;
            IF corrected THEN
                bit_at := i * fix_bits;
                v := vigil.float_of_bits(('x' || encode(float8send(v), 'hex'))::bit(64)::int8
                    + fix_base + (vigil.le_int(d, fix_p + bit_at / 8,
                                               (bit_at % 8 + fix_bits + 7) / 8)
                                  >> bit_at % 8 & fix_mask));
            END IF;
            vals[start + i + 1] := v;
        END LOOP;
        start := start + values_n;
    END LOOP;
    RETURN vals;
END
$$;

-- Values of encoding 7: high bits out of a list, low bits as they are.
CREATE FUNCTION vigil.decode_split(d bytea, n int, p int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    low_bits int := get_byte(d, p);
    mask int8 := (1::int8 << low_bits) - 1;
    list_n int;
    highs int8[];
    index_bits int := 0;
    other_n int;
    other_at int[];
    other_high int8[];
    other int := 1;
    place int := -1;
    low_p int;
    bit_at int;
    high int8;
    vals float8[] := array_fill(NULL::float8, ARRAY[n]);
BEGIN
    r := vigil.varint(d, p + 1);
    p := r.p;
    list_n := r.x;
    FOR j IN 1..list_n LOOP
        r := vigil.varint(d, p);
        p := r.p;
        highs[j] := r.x << low_bits;
    END LOOP;
    WHILE list_n - 1 >= 1 << index_bits LOOP
        index_bits := index_bits + 1;
    END LOOP;
    r := vigil.varint(d, p);
    p := r.p;
    other_n := r.x;
    FOR j IN 1..other_n LOOP
        r := vigil.varint(d, p);
        place := place + 1 + r.x::int;
        other_at[j] := place;
        r := vigil.varint(d, r.p);
        p := r.p;
        other_high[j] := r.x << low_bits;
    END LOOP;
    low_p := p + (n * index_bits + 7) / 8;
    FOR i IN 0..n - 1 LOOP
        IF other <= other_n AND other_at[other] = i THEN
            high := other_high[other];
            other := other + 1;
        ELSE
            bit_at := i * index_bits;
            high := highs[1 + (vigil.le_int(d, p + bit_at / 8, (bit_at % 8 + index_bits + 7) / 8)
                               >> bit_at % 8 & ((1 << index_bits) - 1))];
        END IF;
        bit_at := i * low_bits;
        vals[i + 1] := vigil.float_of_bits(
            high | (vigil.le_int(d, low_p + bit_at / 8, (bit_at % 8 + low_bits + 7) / 8)
                    >> bit_at % 8 & mask));
    END LOOP;
    RETURN vals;
END
$$;

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
    vals float8[];
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
    vals := CASE WHEN value_encoding < 5 THEN vigil.decode_values(d, value_encoding, n, r.p)
                 WHEN value_encoding = 6 THEN vigil.decode_blocks(d, n, r.p)
                 WHEN value_encoding = 7 THEN vigil.decode_split(d, n, r.p) END;
    IF vals IS NULL THEN
        RAISE EXCEPTION 'the value encoding % is unknown', value_encoding;
    END IF;
    RETURN QUERY SELECT x.t, x.v FROM unnest(times, vals) AS x (t, v) WHERE x.v IS NOT NULL;
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
    IF get_byte(page, 0) IN (2, 3) THEN  -- histograms
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
-- each time of a series once, without deleted ones. Chunks seldom overlap (late samples, imports);
-- only then the samples are sorted, and of equal times the one from the chunk that begins first
-- stays, as in PromQL. The rows go through a store that spills to disk beyond work_mem: with more of
-- it large answers come twice as fast.
CREATE FUNCTION vigil.samples_of(ids int8[], t0 int8, t1 int8)
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
                SELECT c.series_id, c.min_time AS start, d.t, d.v
                FROM vigil.chunk c, vigil.decode_chunk(c.min_time, c.data) d
                WHERE c.series_id = ANY (ids) AND c.min_time BETWEEN oldest AND t1
                    AND c.min_time + c.span_ms >= t0 AND d.t BETWEEN t0 AND t1
                UNION ALL
                SELECT j.series_id, 9223372036854775807, j.t, j.v
                FROM unnest(j_ids, j_times, j_values) AS j (series_id, t, v)
            ) x
            WHERE NOT deleted OR NOT EXISTS (
                SELECT FROM vigil.tombstone g
                WHERE x.t BETWEEN g.t0 AND g.t1 AND x.series_id = ANY (g.series))
            ORDER BY x.series_id, x.t, x.start;
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
LANGUAGE plpgsql VOLATILE SET work_mem = '64MB' AS $$
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

-- Native histograms (server/chunks/histogram_record.h).

-- The bits of a float64; SQL has one NaN.
CREATE FUNCTION vigil.bits_of_float(v float8) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || encode(float8send(v), 'hex'))::bit(64)::int8
$$;

-- The upper bound of bucket i: of a schema with custom bounds out of the list, else a power of two.
CREATE FUNCTION vigil.bucket_bound(schema int, custom float8[], i int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN schema = -53 THEN
            CASE WHEN i < 0 THEN '-Infinity' WHEN i >= cardinality(custom) THEN 'Infinity'
                 ELSE custom[i + 1] END
        WHEN i / 2::float8 ^ schema >= 1024 THEN 'Infinity'
        WHEN i / 2::float8 ^ schema <= -1074 THEN 5e-324::float8
        ELSE 2::float8 ^ (i / 2::float8 ^ schema)
    END
$$;

-- The buckets as [lower bound, upper bound, count] with rising bounds, empty ones left out. slots:
-- count, zero count, positive buckets, negative buckets; their indexes are in pos_at, neg_at.
CREATE FUNCTION vigil.buckets_of(schema int, zero_threshold float8, custom float8[], pos_at int[],
                                 neg_at int[], slots float8[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(b.low, b.high, b.n) ORDER BY b.low, b.high), '[]')
    FROM (
        SELECT vigil.bucket_bound(schema, custom, at - 1) AS low,
               vigil.bucket_bound(schema, custom, at) AS high, slots[2 + ord] AS n
        FROM unnest(pos_at) WITH ORDINALITY AS p (at, ord)
        UNION ALL
        SELECT -vigil.bucket_bound(schema, custom, at), -vigil.bucket_bound(schema, custom, at - 1),
               slots[2 + cardinality(pos_at) + ord]
        FROM unnest(neg_at) WITH ORDINALITY AS q (at, ord)
        UNION ALL SELECT -zero_threshold, zero_threshold, slots[2]
    ) b WHERE b.n <> 0
$$;

-- The bucket indexes that a list of spans stands for.
CREATE FUNCTION vigil.read_spans(d bytea, INOUT p int, OUT at int[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    spans int;
    i int := 0;
BEGIN
    at := '{}';
    r := vigil.varint(d, p);
    p := r.p;
    spans := r.x;
    FOR j IN 1..spans LOOP
        r := vigil.varint(d, p);
        i := i + vigil.unzigzag(r.x)::int;
        r := vigil.varint(d, r.p);
        p := r.p;
        FOR k IN 1..r.x::int LOOP
            at := at || i;
            i := i + 1;
        END LOOP;
    END LOOP;
END
$$;

-- n histograms from position p on; with `ids`, the series of each, counts are not told by those of
-- another series.
CREATE FUNCTION vigil.read_histograms(d bytea, p int, n int, ids int8[])
RETURNS TABLE (i int, count float8, sum float8, buckets jsonb)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    r record;
    c int;
    j int;
    schema int := 0;
    zero_threshold float8 := 0;
    custom float8[] := '{}';
    pos_at int[] := '{}';
    neg_at int[] := '{}';
    new_schema int;
    new_pos int[];
    new_neg int[];
    slots float8[] := ARRAY[0, 0];
    rest int8 := 0;
    whole bool := true;
    repeats int;
    width int;
    sparse bool;
    flags_p int;
    item int;
    mask int8;
    bit_at int;
    step int8;
    total int8;
BEGIN
    i := 0;
    sum := 0;
    WHILE i < n LOOP
        c := get_byte(d, p);
        p := p + 1;
        IF c >= 128 THEN
            FOR k IN 1..c - 127 LOOP
                i := i + 1;
                RETURN NEXT;
            END LOOP;
            CONTINUE;
        END IF;
        IF i > 0 AND ids[i + 1] <> ids[i] THEN
            slots := array_fill(0::float8, ARRAY[cardinality(slots)]);
            sum := 0;
            rest := 0;
            whole := true;
        END IF;
        IF c & 8 <> 0 THEN  -- a layout
            r := vigil.varint(d, p);
            new_schema := vigil.unzigzag(r.x);
            p := r.p + 1 + (get_byte(d, r.p) & 15);
            zero_threshold := vigil.number_at(d, r.p + 1, get_byte(d, r.p));
            r := vigil.read_spans(d, p);
            new_pos := r.at;
            r := vigil.read_spans(d, r.p);
            new_neg := r.at;
            r := vigil.varint(d, r.p);
            p := r.p;
            custom := '{}';
            FOR k IN 1..r.x::int LOOP
                custom := custom || vigil.number_at(d, p + 1, get_byte(d, p));
                p := p + 1 + (get_byte(d, p) & 15);
            END LOOP;
            IF new_schema <> schema THEN
                slots := array_fill(0::float8, ARRAY[cardinality(slots)]);
            END IF;
            slots := ARRAY[slots[1], slots[2]]
                || ARRAY(SELECT coalesce(slots[2 + array_position(pos_at, a)], 0)
                         FROM unnest(new_pos) WITH ORDINALITY AS u (a, o) ORDER BY o)
                || ARRAY(SELECT coalesce(slots[2 + cardinality(pos_at)
                                               + array_position(neg_at, a)], 0)
                         FROM unnest(new_neg) WITH ORDINALITY AS u (a, o) ORDER BY o);
            schema := new_schema;
            pos_at := new_pos;
            neg_at := new_neg;
            rest := 0;
        END IF;
        -- The sum.
        j := get_byte(d, p);
        IF j = 144 THEN
            p := p + 1;
        ELSIF j > 160 AND j < 168 THEN
            sum := vigil.float_of_bits(vigil.bits_of_float(sum) # vigil.le_int(d, p + 1, j & 15));
            p := p + 1 + (j & 15);
        ELSE
            sum := vigil.number_at(d, p + 1, j);
            p := p + 1 + (j & 15);
        END IF;
        IF c & 16 <> 0 THEN  -- counts are floats
            whole := false;
            repeats := 0;
            FOR k IN 1..cardinality(slots) LOOP
                IF repeats > 0 THEN
                    repeats := repeats - 1;
                    CONTINUE;
                END IF;
                c := get_byte(d, p);
                p := p + 1;
                IF c & 15 = 0 THEN
                    repeats := c >> 4;
                ELSE
                    slots[k] := vigil.float_of_bits(vigil.bits_of_float(slots[k])
                        # (vigil.le_int(d, p, c & 15) << (8 * (8 - (c >> 4) - (c & 15)))));
                    p := p + (c & 15);
                END IF;
            END LOOP;
        ELSE
            IF NOT whole THEN
                slots := array_fill(0::float8, ARRAY[cardinality(slots)]);
                rest := 0;
                whole := true;
            END IF;
            c := get_byte(d, p);
            p := p + 1;
            width := c & 63;
            mask := (1::int8 << width) - 1;
            sparse := c & 64 <> 0;
            flags_p := p;
            IF sparse THEN
                p := p + (cardinality(slots) + 7) / 8;
            END IF;
            item := 0;
            total := 0;
            FOR k IN 1..cardinality(slots) LOOP
                step := 0;
                IF NOT sparse OR get_byte(d, flags_p + (k - 1) / 8) >> (k - 1) % 8 & 1 = 1 THEN
                    bit_at := item * width;
                    step := vigil.unzigzag(
                        vigil.le_int(d, p + bit_at / 8, (bit_at % 8 + width + 7) / 8)
                        >> bit_at % 8 & mask);
                    item := item + 1;
                END IF;
                IF k = 1 THEN
                    rest := rest + step;
                    total := rest;
                ELSE
                    slots[k] := slots[k]::int8 + step;
                    total := total + slots[k]::int8;
                END IF;
            END LOOP;
            slots[1] := total;
            p := p + (item * width + 7) / 8;
        END IF;
        count := slots[1];
        buckets := vigil.buckets_of(schema, zero_threshold, custom, pos_at, neg_at, slots);
        i := i + 1;
        RETURN NEXT;
    END LOOP;
END
$$;

-- The histograms of one chunk; none of a chunk of floats.
CREATE FUNCTION vigil.decode_histogram_chunk(min_time int8, data bytea)
RETURNS TABLE (t int8, count float8, sum float8, buckets jsonb)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    d bytea := data || ''::bytea;
    r record;
    n int;
BEGIN
    IF get_byte(d, 4) >> 4 <> 5 THEN
        RETURN;
    END IF;
    r := vigil.varint(d, 5);
    n := r.x;
    r := vigil.varint(d, r.p);
    r := vigil.decode_times(d, get_byte(d, 4) & 15, n, min_time, r.p);
    RETURN QUERY SELECT r.times[h.i], h.count, h.sum, h.buckets
        FROM vigil.read_histograms(d, r.p, n, NULL) h;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a chunk that begins at % cannot be decoded: %', min_time, SQLERRM;
END
$$;

-- The histograms of a journal page of format 2, or of the joined parts of such a page.
CREATE FUNCTION vigil.decode_histogram_page(page bytea)
RETURNS TABLE (series_id int8, t int8, count float8, sum float8, buckets jsonb)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    r record;
    p int;
    n int;
    run int;
    id int8 := 0;
    clock int8 := 0;
    ids int8[] := '{}';
    times int8[] := '{}';
BEGIN
    r := vigil.varint(page, 5);
    n := r.x;
    p := r.p;
    WHILE cardinality(ids) < n LOOP
        r := vigil.varint(page, p);
        p := r.p;
        FOR k IN 1..r.x::int LOOP
            IF k = 1 THEN
                r := vigil.varint(page, p);
                p := r.p;
                id := id + vigil.unzigzag(r.x);
            ELSE
                id := id + 1;
            END IF;
            ids := ids || id;
        END LOOP;
    END LOOP;
    WHILE cardinality(times) < n LOOP
        r := vigil.varint(page, p);
        run := r.x;
        r := vigil.varint(page, r.p);
        p := r.p;
        clock := clock + vigil.unzigzag(r.x);
        times := times || array_fill(clock, ARRAY[run]);
    END LOOP;
    RETURN QUERY SELECT ids[h.i], times[h.i], h.count, h.sum, h.buckets
        FROM vigil.read_histograms(page, p, n, ids) h;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a journal page cannot be decoded: %', SQLERRM;
END
$$;

-- The native histograms of a selector, from chunks and journal. buckets are jsonb:
-- [[lower bound, upper bound, count], …].
CREATE FUNCTION vigil.histograms(selector text,
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
            SELECT c.series_id, c.min_time AS start, h.*
            FROM vigil.chunk c, vigil.decode_histogram_chunk(c.min_time, c.data) h
            WHERE c.series_id = ANY (ids) AND c.encoding >> 8 = 5
                AND c.min_time BETWEEN oldest AND last AND c.min_time + c.span_ms >= first
            UNION ALL
            SELECT h.series_id, 9223372036854775807, h.t, h.count, h.sum, h.buckets
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
        ORDER BY s.id, x.t, x.start;
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
