-- SPDX-License-Identifier: Apache-2.0
-- Exemplars, in a partition per UTC day; the server makes and drops them.

CREATE TABLE vigil.exemplar_data (
    series_id int8 NOT NULL,
    t int8 NOT NULL,         -- milliseconds since the Unix epoch
    value float8 NOT NULL,
    labels text[] NOT NULL   -- names and values in turn
) PARTITION BY RANGE (t);
CREATE INDEX exemplar_time ON vigil.exemplar_data (t);
CREATE INDEX exemplar_series ON vigil.exemplar_data (series_id, t);

CREATE VIEW vigil.exemplar AS
    SELECT e.series_id, to_timestamp(e.t::float8 / 1000) AS "time", e.value,
           CASE WHEN cardinality(e.labels) = 0 THEN '{}'::jsonb ELSE jsonb_object(e.labels) END
               AS labels
    FROM vigil.exemplar_data e;
