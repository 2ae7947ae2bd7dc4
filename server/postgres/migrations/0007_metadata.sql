-- SPDX-License-Identifier: Apache-2.0
-- Type, help and unit of metrics, as scrapes and remote write told them last.

CREATE TABLE vigil.metric_metadata (
    metric text PRIMARY KEY,   -- the family: without _bucket, _sum, _count
    type text NOT NULL,
    help text NOT NULL,
    unit text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

-- One row per metric. What is known of a family is told of each of its metrics.
CREATE OR REPLACE VIEW vigil.metrics AS
    SELECT x.name, x.n_series, x.label_names, x.metric_view, m.type, m.help, m.unit
    FROM (SELECT d.metric AS name, count(*) AS n_series,
                 (SELECT array_agg(DISTINCT y.labels[i] ORDER BY y.labels[i])
                  FROM vigil.series_data y, generate_series(1, cardinality(y.labels), 2) AS i
                  WHERE y.metric = d.metric) AS label_names,
                 to_regclass(format('metric.%I', d.metric)) AS metric_view
          FROM vigil.series_data d GROUP BY d.metric) x
    LEFT JOIN LATERAL (
        SELECT f.type, f.help, f.unit FROM vigil.metric_metadata f
        WHERE f.metric IN (x.name, regexp_replace(x.name, '_(bucket|count|sum|total|created)$', ''))
        ORDER BY length(f.metric) DESC LIMIT 1) m ON true;
