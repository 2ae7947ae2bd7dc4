-- SPDX-License-Identifier: Apache-2.0
-- Series of the catalogue that have no data any more. Upkeep notes them here while the server runs;
-- they are dropped when it stops, after the last flush: nobody can write to them then.
CREATE TABLE vigil.expired_series (
    id int8 PRIMARY KEY
);
