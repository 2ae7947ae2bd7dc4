-- SPDX-License-Identifier: Apache-2.0
-- Blocks whose items are digits: what compaction writes.

-- The digits of n items above their low bits (digits in server/chunks/chunk.h) as numbers, eight
-- items a row; p is where their words begin, then what comes behind.
CREATE FUNCTION vigil.decode_digits(d bytea, n int, radix int, low_bits int, INOUT p int,
                                    OUT digits int8[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r int8 := radix;
    most int8 := r * r * r * r * r * r * r * r - 1;
    bits int := 1;
    mask int8;
BEGIN
    IF radix > 127 OR low_bits > 48 THEN
        RAISE EXCEPTION 'digits of radix % above % bits are unknown', radix, low_bits;
    END IF;
    WHILE most >> bits > 0 LOOP
        bits := bits + 1;
    END LOOP;
    mask := (1::int8 << bits) - 1;
    SELECT array_agg(ARRAY[
               (g.word / (r * r * r * r * r * r * r)) << low_bits,
               (g.word / (r * r * r * r * r * r) % r) << low_bits,
               (g.word / (r * r * r * r * r) % r) << low_bits,
               (g.word / (r * r * r * r) % r) << low_bits,
               (g.word / (r * r * r) % r) << low_bits,
               (g.word / (r * r) % r) << low_bits,
               (g.word / r % r) << low_bits,
               (g.word % r) << low_bits] ORDER BY g.i)
    INTO digits
    FROM (SELECT i, least(most, vigil.le_int(d, p + i * bits / 8, (i * bits % 8 + bits + 7) / 8)
                                >> i * bits % 8 & mask) AS word
          FROM generate_series(0, (n + 7) / 8 - 1) i OFFSET 0) g;
    p := p + ((n + 7) / 8 * bits + 7) / 8;
END
$$;

-- Values of encoding 6, block by block.
CREATE OR REPLACE FUNCTION vigil.decode_blocks(d bytea, n int, p int) RETURNS float8[]
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
    packed_n int;
    radix int;
    digits int8[];   -- what they are worth, eight a row
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
        radix := 0;
        IF bits > 56 THEN
            radix := get_byte(d, p);
            IF radix < 3 THEN
                RAISE EXCEPTION 'the radix % is unknown', radix;
            END IF;
            p := p + 1;
            bits := bits - 57;
            IF bits = 6 THEN
                bits := get_byte(d, p);
                p := p + 1;
            END IF;
        END IF;
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
        packed_n := values_n - (mode = 1)::int;
        p := p + (packed_n * bits + 7) / 8;
        IF radix > 0 THEN
            SELECT x.digits, x.p INTO digits, p
            FROM vigil.decode_digits(d, packed_n, radix, bits, p) x;
        END IF;
        IF corrected THEN
            r := vigil.varint(d, p);
            fix_base := vigil.unzigzag(r.x);
            fix_bits := get_byte(d, r.p);
            fix_mask := (1::int8 << fix_bits) - 1;
            fix_p := r.p + 1;
            p := fix_p + (values_n * fix_bits + 7) / 8;
        END IF;
        -- A block without anything out of the ordinary: fewer statements per value.
        IF patch_n = 0 AND special_n = 0 AND NOT corrected AND (radix = 0 OR mode <> 1) THEN
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
            ELSIF radix > 0 THEN  -- the slope of mode 0 is 0
                FOR i IN 0..values_n - 1 LOOP
                    bit_at := i * bits;
                    vals[start + i + 1] := (base + (i * slope >> 16)
                        + digits[i / 8 + 1][i % 8 + 1]
                        + (vigil.le_int(d, packed_p + bit_at / 8, (bit_at % 8 + bits + 7) / 8)
                           >> bit_at % 8 & mask))::float8 / divisor;
                END LOOP;
            ELSE
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
                IF radix > 0 THEN
                    place := CASE WHEN mode = 1 THEN i - 1 ELSE i END;
                    x := x + digits[place / 8 + 1][place % 8 + 1];
                END IF;
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

-- The decoders in C of an extension vigil_decode that is older than this migration do not know
-- digits: a chunk with some would have no rows. They give their places back; enable() of version
-- 1.1 takes them again. The server starts in any case.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT c.proname AS name, oidvectortypes(c.proargtypes) AS types
             FROM pg_proc c JOIN pg_language l ON l.oid = c.prolang
             JOIN pg_proc plain ON plain.pronamespace = c.pronamespace
                 AND plain.proname = c.proname || '_plain' AND plain.proargtypes = c.proargtypes
             WHERE c.pronamespace = 'vigil'::regnamespace AND l.lanname = 'c'
             AND c.proname IN ('decode_chunk', 'decode_page', 'crc32c') LOOP
        EXECUTE format('DROP FUNCTION vigil.%I(%s)', f.name, f.types);
        EXECUTE format('ALTER FUNCTION vigil.%I(%s) RENAME TO %I', f.name || '_plain', f.types,
                       f.name);
    END LOOP;
EXCEPTION WHEN insufficient_privilege OR dependent_objects_still_exist THEN
    RAISE WARNING 'the extension vigil_decode is too old for chunks that are compacted from now on '
        'and SQL does not show them, but its functions cannot be replaced (%): as a superuser '
        'install version 1.1, ALTER EXTENSION vigil_decode UPDATE, SELECT vigil_decode.enable()',
        SQLERRM;
END
$$;
