-- SPDX-License-Identifier: Apache-2.0
-- What people read with SQL: views of the catalogue, and samples() with decoders of chunks
-- (server/chunks/chunk.h) and journal pages (server/chunks/journal_page.h) that need no extension.
-- Decoders stand for a staleness marker with NULL; checksums are not verified here.

CREATE VIEW vigil.series AS
    SELECT id, metric,
           CASE WHEN metric = '' THEN '{}'::jsonb ELSE jsonb_build_object('__name__', metric) END
               || jsonb_object(labels) AS labels
    FROM vigil.series_data;

CREATE VIEW vigil.metric AS
    SELECT metric AS name, count(*) AS n_series FROM vigil.series_data GROUP BY metric;

-- w bytes (0 to 8) from position p on, little-endian. One expression, so that it is inlined.
-- Mind the parentheses: | & # << >> all have the same precedence.
CREATE FUNCTION vigil.le_int(d bytea, p int, w int) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE w
        WHEN 0 THEN 0::int8
        WHEN 1 THEN get_byte(d, p)::int8
        WHEN 2 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
        WHEN 3 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
            | (get_byte(d, p + 2)::int8 << 16)
        WHEN 4 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
            | (get_byte(d, p + 2)::int8 << 16) | (get_byte(d, p + 3)::int8 << 24)
        WHEN 5 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
            | (get_byte(d, p + 2)::int8 << 16) | (get_byte(d, p + 3)::int8 << 24)
            | (get_byte(d, p + 4)::int8 << 32)
        WHEN 6 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
            | (get_byte(d, p + 2)::int8 << 16) | (get_byte(d, p + 3)::int8 << 24)
            | (get_byte(d, p + 4)::int8 << 32) | (get_byte(d, p + 5)::int8 << 40)
        WHEN 7 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
            | (get_byte(d, p + 2)::int8 << 16) | (get_byte(d, p + 3)::int8 << 24)
            | (get_byte(d, p + 4)::int8 << 32) | (get_byte(d, p + 5)::int8 << 40)
            | (get_byte(d, p + 6)::int8 << 48)
        WHEN 8 THEN get_byte(d, p)::int8 | (get_byte(d, p + 1)::int8 << 8)
            | (get_byte(d, p + 2)::int8 << 16) | (get_byte(d, p + 3)::int8 << 24)
            | (get_byte(d, p + 4)::int8 << 32) | (get_byte(d, p + 5)::int8 << 40)
            | (get_byte(d, p + 6)::int8 << 48) | (get_byte(d, p + 7)::int8 << 56)
    END
$$;

-- The float64 with these bits, NULL for the staleness marker. A power of two is multiplied in two
-- halves: neither half leaves the range in which floats are exact.
CREATE FUNCTION vigil.float_of_bits(b int8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN b = 9218868437227405314 THEN NULL
        WHEN (b >> 52 & 2047) = 2047 THEN CASE
            WHEN (b & 4503599627370495) <> 0 THEN 'NaN'::float8
            WHEN b < 0 THEN '-Infinity'::float8
            ELSE 'Infinity'::float8 END
        WHEN b = 0 THEN 0::float8
        WHEN (b & 9223372036854775807) = 0 THEN '-0'::float8
        ELSE (CASE WHEN b < 0 THEN -1::float8 ELSE 1::float8 END)
            * (b & 4503599627370495
               | CASE WHEN (b >> 52 & 2047) = 0 THEN 0 ELSE 4503599627370496 END)::float8
            * 2::float8 ^ ((greatest(b >> 52 & 2047, 1) - 1075) / 2)
            * 2::float8 ^ ((greatest(b >> 52 & 2047, 1) - 1075)
                           - (greatest(b >> 52 & 2047, 1) - 1075) / 2)
    END
$$;

-- Decimal: m / 10^k.
CREATE FUNCTION vigil.float_of_decimal(m int8, k int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT m::float8 / CASE k WHEN 0 THEN 1::float8 WHEN 1 THEN 10 WHEN 2 THEN 100 WHEN 3 THEN 1000
                              WHEN 4 THEN 10000 WHEN 5 THEN 100000 WHEN 6 THEN 1000000 END
$$;

-- Two's complement of w bytes (0 to 7).
CREATE FUNCTION vigil.sign_extended(u int8, w int) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN w = 0 THEN 0 ELSE u << (64 - 8 * w) >> (64 - 8 * w) END
$$;

-- The number whose control byte c stands at p - 1; its bytes begin at p.
CREATE FUNCTION vigil.number_at(d bytea, p int, c int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN c >> 4 <= 6 AND (c & 15) <= 7
            THEN vigil.float_of_decimal(
                vigil.sign_extended(vigil.le_int(d, p, c & 15), c & 15), c >> 4)
        WHEN c = 128 THEN 0::float8
        WHEN c >> 4 = 8 AND (c & 15) <= 8
            THEN vigil.float_of_bits(vigil.le_int(d, p, c & 15) << (64 - 8 * (c & 15)))
        ELSE vigil.float_of_decimal(0, (c / (c - c)))  -- not a number: an error
    END
$$;

CREATE FUNCTION vigil.varint(d bytea, INOUT p int, OUT x int8)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    b int;
    shift int := 0;
BEGIN
    x := 0;
    LOOP
        b := get_byte(d, p);
        p := p + 1;
        x := x | ((b & 127)::int8 << shift);
        EXIT WHEN b < 128;
        shift := shift + 7;
    END LOOP;
END
$$;

-- Signed number of a zigzag varint; the shift is a logical one.
CREATE FUNCTION vigil.unzigzag(z int8) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (z >> 1 & 9223372036854775807) # -(z & 1)
$$;

-- n timestamps from position p on; p is then behind them.
CREATE FUNCTION vigil.decode_times(d bytea, encoding int, n int, t_first int8, INOUT p int,
                                   OUT times int8[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    t int8 := t_first;
    delta int8;
    base int8;
    bits int;
    mask int8;
    i int := 2;
    bit_at int;
    run int8;
BEGIN
    times := array_fill(t_first, ARRAY[n]);
    IF n = 1 THEN
        RETURN;
    END IF;
    r := vigil.varint(d, p);
    p := r.p;
    delta := r.x;
    IF encoding = 0 THEN
        FOR i IN 2..n LOOP
            times[i] := t_first + delta * (i - 1);
        END LOOP;
        RETURN;
    END IF;
    t := t + delta;
    times[2] := t;
    IF encoding = 1 THEN
        WHILE i < n LOOP
            r := vigil.varint(d, p);
            p := r.p;
            run := r.x;
            WHILE run > 0 LOOP
                i := i + 1;
                t := t + delta;
                times[i] := t;
                run := run - 1;
            END LOOP;
            EXIT WHEN i >= n;
            r := vigil.varint(d, p);
            p := r.p;
            delta := delta + vigil.unzigzag(r.x);
            i := i + 1;
            t := t + delta;
            times[i] := t;
        END LOOP;
        RETURN;
    END IF;
    r := vigil.varint(d, p);
    base := vigil.unzigzag(r.x);
    bits := get_byte(d, r.p);
    p := r.p + 1;
    mask := (1::int8 << bits) - 1;
    FOR i IN 3..n LOOP
        bit_at := (i - 3) * bits;
        delta := delta + base
            + (vigil.le_int(d, p + bit_at / 8, (bit_at % 8 + bits + 7) / 8) >> bit_at % 8 & mask);
        t := t + delta;
        times[i] := t;
    END LOOP;
    p := p + ((n - 2) * bits + 7) / 8;
END
$$;

-- Values of the two integer encodings.
CREATE FUNCTION vigil.decode_integers(d bytea, is_delta bool, n int, p int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    k int := get_byte(d, p);
    m int8 := 0;
    base int8;
    bits int;
    mask int8;
    bit_at int;
    exceptions int;
    place int := -1;
    control int;
    ex_at int[] := '{}';
    ex_value float8[] := '{}';
    ex_integer int8[] := '{}';
    e int := 1;
    skip int := is_delta::int;  -- v[0] of the delta encoding is not packed
    vals float8[] := array_fill(NULL::float8, ARRAY[n]);
BEGIN
    p := p + 1;
    IF is_delta THEN
        r := vigil.varint(d, p);
        p := r.p;
        m := vigil.unzigzag(r.x);
        vals[1] := vigil.float_of_decimal(m, k);
    END IF;
    r := vigil.varint(d, p);
    base := vigil.unzigzag(r.x);
    bits := get_byte(d, r.p);
    mask := (1::int8 << bits) - 1;
    r := vigil.varint(d, r.p + 1);
    p := r.p;
    exceptions := r.x;
    FOR j IN 1..exceptions LOOP
        r := vigil.varint(d, p);
        place := place + 1 + r.x::int;
        control := get_byte(d, r.p);
        ex_at := ex_at || place;
        ex_value := ex_value || vigil.number_at(d, r.p + 1, control);
        ex_integer := ex_integer || CASE WHEN control < 128 THEN
            vigil.sign_extended(vigil.le_int(d, r.p + 1, control & 15), control & 15) END;
        p := r.p + 1 + (control & 15);
    END LOOP;
    FOR i IN skip..n - 1 LOOP
        IF e <= exceptions AND ex_at[e] = i THEN
            vals[i + 1] := ex_value[e];
            m := coalesce(ex_integer[e], m);
            e := e + 1;
            CONTINUE;
        END IF;
        bit_at := (i - skip) * bits;
        IF is_delta THEN
            m := m + base
                + (vigil.le_int(d, p + bit_at / 8, (bit_at % 8 + bits + 7) / 8) >> bit_at % 8 & mask);
            vals[i + 1] := vigil.float_of_decimal(m, k);
        ELSE
            vals[i + 1] := vigil.float_of_decimal(
                base + (vigil.le_int(d, p + bit_at / 8, (bit_at % 8 + bits + 7) / 8) >> bit_at % 8 & mask), k);
        END IF;
    END LOOP;
    RETURN vals;
END
$$;

CREATE FUNCTION vigil.decode_values(d bytea, encoding int, n int, p int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    bits int8;
    value float8;
    c int;
    i int := 1;
    vals float8[];
BEGIN
    IF encoding IN (1, 2) THEN
        RETURN vigil.decode_integers(d, encoding = 2, n, p);
    END IF;
    IF encoding = 0 THEN
        RETURN array_fill(vigil.number_at(d, p + 1, get_byte(d, p)), ARRAY[n]);
    END IF;
    vals := array_fill(NULL::float8, ARRAY[n]);
    IF encoding = 4 THEN
        WHILE i <= n LOOP
            r := vigil.varint(d, p);
            c := get_byte(d, r.p);
            value := vigil.number_at(d, r.p + 1, c);
            p := r.p + 1 + (c & 15);
            WHILE r.x > 0 LOOP
                vals[i] := value;
                i := i + 1;
                r.x := r.x - 1;
            END LOOP;
        END LOOP;
        RETURN vals;
    END IF;
    bits := vigil.le_int(d, p, 8);
    p := p + 8;
    value := vigil.float_of_bits(bits);
    vals[1] := value;
    WHILE i < n LOOP
        c := get_byte(d, p);
        p := p + 1;
        IF (c & 15) = 0 THEN
            FOR j IN 0..c >> 4 LOOP
                i := i + 1;
                vals[i] := value;
            END LOOP;
        ELSE
            bits := bits # (vigil.le_int(d, p, c & 15) << (8 * (8 - (c >> 4) - (c & 15))));
            p := p + (c & 15);
            value := vigil.float_of_bits(bits);
            i := i + 1;
            vals[i] := value;
        END IF;
    END LOOP;
    RETURN vals;
END
$$;

-- The samples of one chunk without staleness markers. A chunk that cannot be decoded gives a
-- warning and no rows.
CREATE FUNCTION vigil.decode_chunk(min_time int8, data bytea) RETURNS TABLE (t int8, v float8)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    d bytea := data || ''::bytea;  -- read from TOAST once, not with each get_byte
    time_encoding int;
    value_encoding int;
    n int;
    r record;
    p int := 5;
    c int;
    times int8[];
BEGIN
    time_encoding := get_byte(d, 4) & 15;
    value_encoding := get_byte(d, 4) >> 4;
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
    r := vigil.decode_times(d, time_encoding, n, min_time, p);
    times := r.times;
    RETURN QUERY SELECT x.t, x.v
        FROM unnest(times, vigil.decode_values(d, value_encoding, n, r.p)) AS x (t, v)
        WHERE x.v IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a chunk that begins at % cannot be decoded: %', min_time, SQLERRM;
END
$$;

-- The samples of one journal page that are of the series in `wanted` and between t0 and t1,
-- without staleness markers.
CREATE FUNCTION vigil.decode_page(page bytea, wanted int8[], t0 int8, t1 int8)
RETURNS TABLE (series_id int8, t int8, v float8)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n int;
    r record;
    p int;
    covered int := 0;
    run int;
    id int8 := 0;
    clock int8 := 0;
    -- The wanted samples' positions in the page, their ids and times.
    positions int[] := '{}';
    ids int8[] := '{}';
    times int8[] := '{}';
    hits int[];
    hit_ids int8[];
    j int := 1;  -- the next of them
    wanted_n int;
    bits int8;
    run_end int;
    c int;
    value float8;
BEGIN
    IF get_byte(page, 0) <> 1 THEN
        RAISE WARNING 'a journal page has the unknown format %', get_byte(page, 0);
        RETURN;
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
        IF id <= wanted[array_upper(wanted, 1)] AND id + run > wanted[1] THEN
            SELECT array_agg(covered + (w - id)::int ORDER BY w), array_agg(w ORDER BY w)
                INTO hits, hit_ids FROM unnest(wanted) AS w WHERE w >= id AND w < id + run;
            IF hits IS NOT NULL THEN
                positions := positions || hits;
                ids := ids || hit_ids;
            END IF;
        END IF;
        id := id + run - 1;
        covered := covered + run;
    END LOOP;
    wanted_n := array_length(positions, 1);
    IF wanted_n IS NULL THEN
        RETURN;
    END IF;
    covered := 0;
    WHILE covered < n LOOP
        r := vigil.varint(page, p);
        run_end := covered + r.x::int;
        r := vigil.varint(page, r.p);
        p := r.p;
        clock := clock + vigil.unzigzag(r.x);
        WHILE j <= wanted_n AND positions[j] < run_end LOOP
            times[j] := clock;
            j := j + 1;
        END LOOP;
        covered := run_end;
    END LOOP;
    IF NOT EXISTS (SELECT FROM unnest(times) AS x WHERE x BETWEEN t0 AND t1) THEN
        RETURN;
    END IF;
    j := 1;
    covered := 0;  -- values known so far
    WHILE j <= wanted_n LOOP
        c := get_byte(page, p);
        p := p + 1;
        IF c >> 4 = 9 THEN
            covered := covered + 1 + (c & 15);
        ELSE
            covered := covered + 1;
            -- Values nobody wants are stepped over, unless a repetition may follow.
            IF positions[j] = covered - 1 OR (p + (c & 15) < octet_length(page)
                                              AND get_byte(page, p + (c & 15)) >> 4 = 9) THEN
                IF c < 128 THEN
                    value := vigil.number_at(page, p, c);
                ELSE
                    bits := vigil.le_int(page, p, c & 15) << (64 - 8 * (c & 15));
                    value := CASE WHEN c = 128 THEN 0 ELSE vigil.float_of_bits(bits) END;
                END IF;
            END IF;
            p := p + (c & 15);
        END IF;
        WHILE j <= wanted_n AND positions[j] < covered LOOP
            IF value IS NOT NULL AND times[j] BETWEEN t0 AND t1 THEN
                series_id := ids[j];
                t := times[j];
                v := value;
                RETURN NEXT;
            END IF;
            j := j + 1;
        END LOOP;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a journal page cannot be decoded: %', SQLERRM;
END
$$;

-- The value of a PromQL string: "…" and '…' with escapes, `…` without.
CREATE FUNCTION vigil.unquoted(quoted text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE left(quoted, 1)
        WHEN '`' THEN substr(quoted, 2, length(quoted) - 2)
        WHEN '"' THEN quoted::json #>> '{}'
        ELSE ('"' || replace(replace(substr(quoted, 2, length(quoted) - 2), '\''', ''''),
                             '"', '\"') || '"')::json #>> '{}'
    END
$$;

-- The condition on (metric, labels) that a selector stands for, as SQL text.
CREATE FUNCTION vigil.selector_condition(selector text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    head text[];
    body text;
    part text[];
    value text;
    subject text;
    condition text := '';
BEGIN
    head := regexp_match(selector, '^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(.*)\}\s*)?$');
    IF head IS NULL OR head[1] IS NULL AND coalesce(btrim(head[2]), '') = '' THEN
        RAISE EXCEPTION 'the selector % is not like name{label="value", …}', quote_literal(selector)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF head[1] IS NOT NULL THEN
        condition := format(' AND metric = %L', head[1]);
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
        value := vigil.unquoted(part[3]);
        IF left(part[1], 1) = '"' THEN
            part[1] := vigil.unquoted(part[1]);
        END IF;
        subject := CASE WHEN part[1] = '__name__' THEN 'metric'
                        ELSE format('coalesce(labels->>%L, '''')', part[1]) END;
        condition := condition || ' AND ' || subject || CASE part[2]
            WHEN '=' THEN format(' = %L', value)
            WHEN '!=' THEN format(' <> %L', value)
            WHEN '=~' THEN format(' ~ %L', '^(?:' || value || ')$')
            ELSE format(' !~ %L', '^(?:' || value || ')$') END;
        body := coalesce(part[4], '');
    END LOOP;
    RETURN substr(condition, 6);
END
$$;

-- The series of a selector such as node_cpu_seconds_total{mode!="idle", cpu=~"0|1"}.
-- Regular expressions are PostgreSQL's, anchored at both ends as PromQL's are.
CREATE FUNCTION vigil.match_series(selector text)
RETURNS TABLE (series_id int8, metric text, labels jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT id, metric, labels FROM vigil.series WHERE '
        || vigil.selector_condition(selector);
END
$$;

-- The samples of a selector from from_time to to_time, both inclusive: those in chunks and those
-- that are in the journal only. Staleness markers are no rows.
CREATE FUNCTION vigil.samples(selector text,
                              from_time timestamptz DEFAULT now() - interval '1 hour',
                              to_time timestamptz DEFAULT now())
RETURNS TABLE (series_id int8, "time" timestamptz, value float8, labels jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    t0 int8 := ceil(extract(epoch FROM from_time) * 1000);
    t1 int8 := floor(extract(epoch FROM to_time) * 1000);
    ids int8[];
    oldest int8;
BEGIN
    -- A flush moves samples from the journal to chunks and then empties the table. With these
    -- locks held first, the queries below see each sample in one of both.
    LOCK TABLE vigil.journal_0, vigil.journal_1, vigil.journal_2, vigil.journal_3,
        vigil.journal_4, vigil.journal_5, vigil.journal_6, vigil.journal_7 IN ACCESS SHARE MODE;
    SELECT array_agg(m.series_id ORDER BY m.series_id) INTO ids FROM vigil.match_series(selector) m;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    SELECT min(l.min_time) INTO oldest FROM vigil.leaf l WHERE l.newest >= t0;
    RETURN QUERY
        SELECT s.id, to_timestamp(x.t::float8 / 1000), x.v, s.labels
        FROM (
            SELECT c.series_id, d.t, d.v
            FROM vigil.chunk c, vigil.decode_chunk(c.min_time, c.data) d
            WHERE c.series_id = ANY (ids) AND c.min_time BETWEEN oldest AND t1
                AND c.min_time + c.span_ms >= t0 AND d.t BETWEEN t0 AND t1
            UNION ALL
            SELECT d.series_id, d.t, d.v
            FROM vigil.unflushed_page j, vigil.decode_page(j.page, ids, t0, t1) d
        ) x JOIN vigil.series s ON s.id = x.series_id;
END
$$;

-- The journal's pages that no flush covers.
CREATE VIEW vigil.unflushed_page AS
    SELECT j.ingester, j.seq, j.page
    FROM vigil.ingester i JOIN (
        SELECT * FROM vigil.journal_0 UNION ALL SELECT * FROM vigil.journal_1 UNION ALL
        SELECT * FROM vigil.journal_2 UNION ALL SELECT * FROM vigil.journal_3 UNION ALL
        SELECT * FROM vigil.journal_4 UNION ALL SELECT * FROM vigil.journal_5 UNION ALL
        SELECT * FROM vigil.journal_6 UNION ALL SELECT * FROM vigil.journal_7
    ) j ON j.ingester = i.id AND j.seq > i.flushed_seq;
