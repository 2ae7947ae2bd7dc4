-- SPDX-License-Identifier: Apache-2.0
-- The store's tables: catalogue, journal ring, chunk leaves, ownership. Applied in a transaction.

CREATE SCHEMA IF NOT EXISTS vigil;

CREATE TABLE vigil.schema_version (
    version int PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- The catalogue. labels is a flat list of names and values without __name__, sorted by name: it
-- loads at start-up faster than jsonb. People read the view vigil.series.
CREATE TABLE vigil.series_data (
    id int8 PRIMARY KEY,
    metric text NOT NULL,
    labels text[] NOT NULL
);
CREATE INDEX series_data_metric ON vigil.series_data (metric);
-- Servers hand out ids from blocks of this size.
CREATE SEQUENCE vigil.series_id_block AS int8 INCREMENT BY 16384 START WITH 1;

-- One row per journal stream: fence (epoch), lease, and how far chunks cover the stream.
CREATE TABLE vigil.ingester (
    id int4 PRIMARY KEY,
    instance text NOT NULL,
    epoch int8 NOT NULL,
    lease_until timestamptz NOT NULL,
    flushed_seq int8 NOT NULL
) WITH (fillfactor = 50);
INSERT INTO vigil.ingester VALUES (1, '', 0, '-infinity', 0);

-- The journal's ring. A page is at most 8,000 bytes, so PLAIN storage keeps one row in one block.
-- Tables are emptied with TRUNCATE only: there is nothing for autovacuum to do.
DO $$
BEGIN
    FOR slot IN 0..7 LOOP
        EXECUTE format(
            'CREATE TABLE vigil.journal_%s (ingester int4 NOT NULL, seq int8 NOT NULL, '
            'page bytea NOT NULL, PRIMARY KEY (ingester, seq)) WITH (autovacuum_enabled = false)',
            slot);
        EXECUTE format('ALTER TABLE vigil.journal_%s ALTER COLUMN page SET STORAGE PLAIN', slot);
    END LOOP;
END
$$;

-- Encoded samples (server/chunks/chunk.h): one row per series and flush, in leaves by min_time.
-- data is encoded tightly already: EXTERNAL keeps PostgreSQL from compressing it once more.
CREATE TABLE vigil.chunk (
    series_id int8 NOT NULL,
    min_time int8 NOT NULL,  -- of the first sample, milliseconds since the Unix epoch
    span_ms int8 NOT NULL,   -- from the first to the last sample
    n int4 NOT NULL,         -- number of samples
    encoding int2 NOT NULL,  -- time encoding, value encoding << 8
    class int2 NOT NULL,     -- retention class
    data bytea NOT NULL
) PARTITION BY LIST (class);
ALTER TABLE vigil.chunk ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE vigil.chunk_c1 PARTITION OF vigil.chunk FOR VALUES IN (1) PARTITION BY RANGE (min_time);
ALTER TABLE vigil.chunk_c1 ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX chunk_series ON vigil.chunk (series_id, min_time);

-- The leaves: servers address them by name through this table.
CREATE TABLE vigil.leaf (
    class int2 NOT NULL,
    min_time int8 NOT NULL,      -- chunks begin within [min_time, end_time)
    end_time int8 NOT NULL,
    rel text NOT NULL,           -- table in schema vigil
    newest int8 NOT NULL,        -- latest sample of any chunk in it
    n_chunks int8 NOT NULL DEFAULT 0,
    n_samples int8 NOT NULL DEFAULT 0,
    PRIMARY KEY (class, min_time)
);
