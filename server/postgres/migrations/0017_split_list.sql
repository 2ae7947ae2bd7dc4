-- SPDX-License-Identifier: Apache-2.0
-- Decoding of split columns as in C++ and C: what no encoder writes is refused where they refuse it,
-- and an index behind the end of the list is a high part of 0, no gap in the samples.

-- Values of encoding 7: high bits out of a list, low bits as they are.
CREATE OR REPLACE FUNCTION vigil.decode_split(d bytea, n int, p int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    r record;
    low_bits int := get_byte(d, p);
    mask int8;
    list_n int8;
    highs int8[] := array_fill(0::int8, ARRAY[16]);
    index_bits int := 0;
    other_n int8;
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
    IF low_bits NOT BETWEEN 1 AND 56 OR list_n NOT BETWEEN 1 AND 16 THEN
        RAISE EXCEPTION 'a number has an unknown form';
    END IF;
    mask := (1::int8 << low_bits) - 1;
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
    IF other_n NOT BETWEEN 0 AND n THEN
        RAISE EXCEPTION 'an exception is out of its place';
    END IF;
    FOR j IN 1..other_n LOOP
        r := vigil.varint(d, p);
        IF r.x NOT BETWEEN 0 AND n - 2 - place THEN
            RAISE EXCEPTION 'an exception is out of its place';
        END IF;
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
