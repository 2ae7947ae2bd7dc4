-- SPDX-License-Identifier: Apache-2.0
-- The decoders of the schema vigil in C, in a schema of their own, and the switch that puts them in
-- the place of the ones in PL/pgSQL: vigil_decode.enable(), vigil_decode.disable().

-- Tells the planner nothing but that decode_chunk() has a scan node of its own.
CREATE FUNCTION vigil_decode.decode_support(internal) RETURNS internal
LANGUAGE c STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'vigil_decode_support';

CREATE FUNCTION vigil_decode.decode_chunk(min_time int8, data bytea)
RETURNS TABLE (t int8, v float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 240
SUPPORT vigil_decode.decode_support
AS 'MODULE_PATHNAME', 'vigil_decode_chunk';

CREATE FUNCTION vigil_decode.decode_page(page bytea, wanted int8[], t0 int8, t1 int8)
RETURNS TABLE (series_id int8, t int8, v float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'vigil_decode_page';

-- All samples of a chunk as two arrays: faster than rows.
CREATE FUNCTION vigil_decode.chunk_columns(min_time int8, data bytea,
                                           OUT times int8[], OUT vals float8[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'vigil_chunk_columns';

CREATE FUNCTION vigil_decode.crc32c(d bytea, first int DEFAULT 0) RETURNS int8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'vigil_crc32c';

-- For each function of the schema vigil that there is in C: the one in PL/pgSQL is kept as
-- <name>_plain, and the C one takes its name. Call it again after an update of the server, whose
-- migrations may have put PL/pgSQL back.
CREATE FUNCTION vigil_decode.enable() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    f record;
    language name;
BEGIN
    FOR f IN SELECT * FROM (VALUES
        ('decode_chunk', 'int8, bytea', 'min_time int8, data bytea',
         'TABLE (t int8, v float8)', 'vigil_decode_chunk',
         'COST 10 ROWS 240 SUPPORT vigil_decode.decode_support'),
        ('decode_page', 'bytea, int8[], int8, int8', 'page bytea, wanted int8[], t0 int8, t1 int8',
         'TABLE (series_id int8, t int8, v float8)', 'vigil_decode_page', 'COST 10'),
        ('crc32c', 'bytea, int', 'd bytea, first int DEFAULT 0', 'int8', 'vigil_crc32c', ''))
        AS list (name, types, parameters, returned, symbol, planning) LOOP
        SELECT l.lanname INTO language FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
            WHERE p.oid = to_regprocedure(format('vigil.%s(%s)', f.name, f.types));
        IF language IS NULL THEN
            RAISE EXCEPTION 'there is no function vigil.%(%): let a vigil-server make its schema '
                'first', f.name, f.types;
        END IF;
        CONTINUE WHEN language = 'c';
        EXECUTE format('DROP FUNCTION IF EXISTS vigil.%s_plain(%s)', f.name, f.types);
        EXECUTE format('ALTER FUNCTION vigil.%s(%s) RENAME TO %1$s_plain', f.name, f.types);
        EXECUTE format('CREATE FUNCTION vigil.%s(%s) RETURNS %s LANGUAGE c IMMUTABLE STRICT '
                       'PARALLEL SAFE %s AS %L, %L', f.name, f.parameters, f.returned, f.planning,
                       'MODULE_PATHNAME', f.symbol);
    END LOOP;
END
$$;

-- Back to PL/pgSQL. Do it before DROP EXTENSION.
CREATE FUNCTION vigil_decode.disable() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.proname AS plain, left(p.proname, -6) AS name,
                    oidvectortypes(p.proargtypes) AS types
             FROM pg_proc p WHERE p.pronamespace = to_regnamespace('vigil')
             AND p.proname IN ('decode_chunk_plain', 'decode_page_plain', 'crc32c_plain') LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS vigil.%s(%s)', f.name, f.types);
        EXECUTE format('ALTER FUNCTION vigil.%s(%s) RENAME TO %s', f.plain, f.types, f.name);
    END LOOP;
END
$$;
