-- SPDX-License-Identifier: Apache-2.0
-- The servers that share this database: the one that owns it, and those that stand by to take over.

CREATE TABLE vigil.member (
    url text PRIMARY KEY,           -- where the others reach it: --cluster.advertise-url
    instance text NOT NULL,         -- host:port
    role text NOT NULL,             -- leader, standby
    since timestamptz NOT NULL,     -- in this role
    seen_at timestamptz NOT NULL    -- last sign of life
) WITH (fillfactor = 50);
