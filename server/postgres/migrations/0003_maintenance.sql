-- SPDX-License-Identifier: Apache-2.0
-- Compaction, retention classes, deletes, roll-ups.

-- A leaf is rewritten (merged) once it is closed, and again after late chunks came: whenever
-- n_chunks > merged_chunks. Each rewrite makes a table of the next generation.
ALTER TABLE vigil.leaf
    ADD COLUMN generation int4 NOT NULL DEFAULT 0,
    ADD COLUMN merged_chunks int8 NOT NULL DEFAULT 0,  -- n_chunks when it was merged last
    ADD COLUMN merged_at int8 NOT NULL DEFAULT 0,      -- milliseconds since the Unix epoch
    ADD COLUMN purged int8 NOT NULL DEFAULT 0,         -- tombstones up to this id are applied
    ADD COLUMN rolled_up int4 NOT NULL DEFAULT -1;     -- the generation that roll-ups were made of

-- Tables that were leaves and are dropped a few minutes later: readers may still hold the name.
CREATE TABLE vigil.detached_leaf (
    rel text PRIMARY KEY,        -- table in schema vigil
    detached_at int8 NOT NULL    -- milliseconds since the Unix epoch
);

-- Which series are kept how long. The first class by rank whose selector matches takes a series;
-- class 1 takes the rest. rank is NULL once the configuration does not name the class any more:
-- what it has is then kept as long as class 1.
CREATE TABLE vigil.retention_class (
    id int2 PRIMARY KEY,
    match text NOT NULL UNIQUE,      -- selector, empty for class 1
    retention_ms int8 NOT NULL,      -- 0: for ever
    rank int4
);
INSERT INTO vigil.retention_class VALUES (1, '', 1296000000, 2147483647);

-- Deleted spans of series. Readers leave the samples out; a rewrite of the leaves removes them,
-- then the row goes.
CREATE TABLE vigil.tombstone (
    id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    matchers text NOT NULL,          -- what was asked for, for people
    series int8[] NOT NULL,          -- sorted ids
    t0 int8 NOT NULL,                -- both inclusive
    t1 int8 NOT NULL,
    created_at int8 NOT NULL
);
ALTER TABLE vigil.tombstone ALTER COLUMN series SET STORAGE EXTENDED;

-- Whether a sample was deleted. Cheap as long as there are no tombstones.
CREATE FUNCTION vigil.is_deleted(id int8, t int8) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT FROM vigil.tombstone d WHERE t BETWEEN d.t0 AND d.t1
                   AND id = ANY (d.series))
$$;
