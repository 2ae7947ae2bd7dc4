-- SPDX-License-Identifier: Apache-2.0
-- The clocks of expected alerts, and an index of messages.

-- How long routes with expect_every had no heartbeat, in milliseconds: goes on after a restart.
CREATE TABLE vigil.heartbeat_data (
    route_id text NOT NULL,
    silent_for int8 NOT NULL
);

-- What was said about an alert is found by its groups: by fingerprint it would take a row of an
-- index for each alert of each message. Group keys may be too long for an index.
CREATE INDEX notification_history_group ON vigil.notification_history_data
    (hashtextextended(group_key, 0), t, id);
