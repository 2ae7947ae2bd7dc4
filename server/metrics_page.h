// SPDX-License-Identifier: Apache-2.0
// The server's own metrics: figures of all rooms under upstream's names where common dashboards
// know them, and vigil_* for the rest.
#pragma once

#include "exporters/toolkit/metric_sink.h"
#include "server/discovery/manager.h"
#include "server/postgres/metrics.h"
#include "server/remote/write_receiver.h"
#include "server/scrape/stats.h"
#include "server/storage/backfill.h"
#include "server/storage/store.h"

namespace vigil::server {

void CollectTsdb(const storage::StoreStats& stats, const postgres::DatabaseMetrics& metrics,
                 toolkit::MetricSink* sink);
void CollectStore(const storage::StoreStats& stats, toolkit::MetricSink* sink);
void CollectDatabase(const postgres::DatabaseMetrics& metrics, bool connected,
                     toolkit::MetricSink* sink);
void CollectMaintenance(const postgres::MaintenanceMetrics& metrics, toolkit::MetricSink* sink);
void CollectScrape(const scrape::Stats& stats, toolkit::MetricSink* sink);
void CollectDiscovery(const discovery::ManagerStats& stats, toolkit::MetricSink* sink);
void CollectBackfill(const storage::BackfillStats& stats, toolkit::MetricSink* sink);
void CollectRemoteWrite(const remote::WriteReceiverStats& stats, toolkit::MetricSink* sink);
// vigil_otlp_*
void CollectOtlp(const remote::WriteReceiverStats& stats, toolkit::MetricSink* sink);

}  // namespace vigil::server
