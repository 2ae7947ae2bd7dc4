-- SPDX-License-Identifier: Apache-2.0
-- Version 1.1 decodes blocks whose items are digits. Its symbols are new, so that a library which
-- does not know digits is refused here and in enable(), not in each chunk.

CREATE OR REPLACE FUNCTION vigil_decode.decode_chunk(min_time int8, data bytea)
RETURNS TABLE (t int8, v float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 240
SUPPORT vigil_decode.decode_support
AS 'MODULE_PATHNAME', 'vigil_decode_chunk_2';

CREATE OR REPLACE FUNCTION vigil_decode.chunk_columns(min_time int8, data bytea,
                                                      OUT times int8[], OUT vals float8[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'vigil_chunk_columns_2';

-- For each function of the schema vigil that there is in C: the one in PL/pgSQL is kept as
-- <name>_plain, and the C one takes its name. Call it again after an update of the server, whose
-- migrations may have put PL/pgSQL back, and of the extension: C functions of an earlier version
-- are replaced where they stand.
CREATE OR REPLACE FUNCTION vigil_decode.enable() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    f record;
    language name;
BEGIN
    FOR f IN SELECT * FROM (VALUES
        ('decode_chunk', 'int8, bytea', 'min_time int8, data bytea',
         'TABLE (t int8, v float8)', 'vigil_decode_chunk_2',
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
        IF language <> 'c' THEN
            EXECUTE format('DROP FUNCTION IF EXISTS vigil.%s_plain(%s)', f.name, f.types);
            EXECUTE format('ALTER FUNCTION vigil.%s(%s) RENAME TO %1$s_plain', f.name, f.types);
        END IF;
        EXECUTE format('CREATE OR REPLACE FUNCTION vigil.%s(%s) RETURNS %s LANGUAGE c IMMUTABLE '
                       'STRICT PARALLEL SAFE %s AS %L, %L', f.name, f.parameters, f.returned,
                       f.planning, 'MODULE_PATHNAME', f.symbol);
    END LOOP;
END
$$;
