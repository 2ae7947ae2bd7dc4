// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/database.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/log.h"
#include "server/postgres/alerting_store.h"
#include "server/postgres/chunk_table.h"
#include "server/postgres/connection.h"
#include "server/postgres/exemplar_table.h"
#include "server/postgres/journal.h"
#include "server/postgres/journal_tables.h"
#include "server/postgres/metadata_table.h"
#include "server/postgres/ownership.h"
#include "server/postgres/recovery.h"
#include "server/postgres/rollup_reader.h"
#include "server/postgres/rule_state_table.h"
#include "server/postgres/schema.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kAttemptMs = 5'000;
constexpr int64_t kPauseMs = 250;
// A migration may rewrite tables of millions of rows, once.
constexpr int64_t kMigrationTimeoutMs = 3'600'000;

Result<std::unique_ptr<Connection>> ConnectWithin(const DatabaseOptions& options) {
  const int64_t deadline_ns =
      Clock::System().MonotonicNs() + options.connect_timeout_ms * 1'000'000;
  bool told = false;
  while (true) {
    auto connection =
        Connection::Open(options.conninfo, "vigil-journal", kWriterSession, kAttemptMs);
    if (connection || connection.error().kind == ErrorKind::kInternal ||
        connection.error().kind == ErrorKind::kBadData ||
        Clock::System().MonotonicNs() >= deadline_ns) {
      return connection;
    }
    if (!told) {
      log::Warn("postgres", "waiting for the database", {{"err", connection.error()}});
      told = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
  }
}

std::array<storage::JournalPosition, kJournalTables> Newest(const JournalSpans& spans) {
  std::array<storage::JournalPosition, kJournalTables> newest = {};
  for (size_t i = 0; i < spans.size(); ++i) newest[i] = spans[i].newest;
  return newest;
}

}  // namespace

struct Database::Impl {
  DatabaseOptions options;
  Ownership owner;
  int schema_version = 0;
  int server_version = 0;
  JournalRing ring;
  std::unique_ptr<LeafRegistry> leaves;
  SharedRetention retention{std::make_shared<const RetentionPolicy>()};
  std::unique_ptr<PostgresJournal> journal;
  std::unique_ptr<PostgresChunkTable> chunks;
  std::unique_ptr<PostgresRecovery> recovery;
  std::unique_ptr<PostgresExemplarTable> exemplars;
  std::unique_ptr<PostgresMetadataTable> metadata;
  std::unique_ptr<PostgresAlertingStore> alerting;
  std::unique_ptr<PostgresRuleStateTable> rule_states;
  std::unique_ptr<RollupReader> rollups;
  std::unique_ptr<Maintenance> maintenance;

  void Build(std::unique_ptr<Connection> connection, const JournalSpans& spans);
};

void Database::Impl::Build(std::unique_ptr<Connection> connection, const JournalSpans& spans) {
  const Clock& clock = options.clock == nullptr ? Clock::System() : *options.clock;
  ring.Restore(Newest(spans));
  leaves = std::make_unique<LeafRegistry>(options.leaf_ms);
  JournalOptions journal_options;
  journal_options.conninfo = options.conninfo;
  journal_options.owner = owner;
  journal_options.commit_interval_ms = options.commit_interval_ms;
  journal_options.commit_bytes = options.commit_bytes;
  journal_options.max_queued_bytes = options.max_queued_bytes;
  journal_options.spool_bytes = options.spool_bytes;
  journal_options.lease_ms = options.lease_ms;
  journal_options.on_fenced = options.on_fenced;
  journal_options.write_timeout_ms = options.write_timeout_ms;
  journal =
      std::make_unique<PostgresJournal>(std::move(journal_options), std::move(connection), &ring,
                                        std::max(owner.flushed, NewestOf(spans)), Clock::System());
  ChunkTableOptions chunk_options;
  chunk_options.conninfo = options.conninfo;
  chunk_options.owner = owner;
  chunk_options.read_connections = options.read_connections;
  chunk_options.read_timeout_ms = options.read_timeout_ms;
  chunk_options.write_timeout_ms = options.write_timeout_ms;
  chunk_options.cache_bytes = options.chunk_cache_bytes;
  chunks = std::make_unique<PostgresChunkTable>(std::move(chunk_options), journal.get(), &ring,
                                                leaves.get(), &retention, clock);
  ExemplarTableOptions exemplar_options;
  exemplar_options.conninfo = options.conninfo;
  exemplar_options.retention = &retention;
  exemplar_options.timeout_ms = options.write_timeout_ms;
  exemplars = std::make_unique<PostgresExemplarTable>(std::move(exemplar_options), clock);
  RollupReaderOptions rollup_options;
  rollup_options.conninfo = options.conninfo;
  rollup_options.timeout_ms = options.read_timeout_ms;
  rollups =
      std::make_unique<RollupReader>(std::move(rollup_options), leaves.get(), &retention, clock);
  metadata = std::make_unique<PostgresMetadataTable>(options.conninfo, options.write_timeout_ms);
  AlertingStoreOptions alerting_options;
  alerting_options.conninfo = options.conninfo;
  alerting_options.owner = owner;
  alerting = std::make_unique<PostgresAlertingStore>(std::move(alerting_options), clock);
  rule_states =
      std::make_unique<PostgresRuleStateTable>(options.conninfo, owner, options.write_timeout_ms);
  recovery = std::make_unique<PostgresRecovery>(options.conninfo, owner, options.read_timeout_ms);
  MaintenanceOptions upkeep = options.maintenance;
  upkeep.conninfo = options.conninfo;
  upkeep.owner = owner;
  upkeep.timeout_ms = options.write_timeout_ms;
  maintenance =
      std::make_unique<Maintenance>(std::move(upkeep), leaves.get(), &retention, clock, [this] {
        const ChunkMetrics m = chunks->metrics();
        return Maintenance::FlushState{m.last_flush_time, m.flushes};
      });
}

Result<std::unique_ptr<Database>> Database::Open(DatabaseOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  const DatabaseOptions& set = impl->options;
  auto connection = TRY(ConnectWithin(set));
  impl->server_version = connection->server_version();
  // Not under an older server that lives.
  if (TRY(SchemaIsOlder(connection.get(), Migrations(), set.write_timeout_ms))) {
    TRY(AwaitFree(connection.get(), set.ownership_wait_ms, set.write_timeout_ms));
  }
  impl->schema_version = TRY(MigrateSchema(connection.get(), Migrations(), kMigrationTimeoutMs));
  impl->owner =
      TRY(TakeOwnership(connection.get(), {set.instance, set.url, set.lease_ms, set.seen_epoch},
                        set.ownership_wait_ms, set.write_timeout_ms));
  const JournalSpans spans =
      TRY(ReadJournalSpans(connection.get(), impl->owner.ingester, set.write_timeout_ms));
  auto reader = TRY(Connection::Open(set.conninfo, "vigil-start", kWriterSession, kAttemptMs));
  impl->Build(std::move(connection), spans);
  TRY(impl->leaves->Load(reader.get(), set.read_timeout_ms));
  TRY_CONTEXT(impl->maintenance->LoadTombstones(reader.get()), "reading the tombstones");
  // What a crash left behind between a flush and its housekeeping.
  impl->chunks->TruncateCovered(reader.get(), impl->owner.flushed);
  impl->chunks->WarmUp();
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() { Close(0); }

void Database::Close(int64_t timeout_ms) {
  impl_->journal->Stop(timeout_ms);
  impl_->chunks->Close();
  impl_->rollups->Close();
}

storage::Journal& Database::journal() { return *impl_->journal; }
storage::ChunkStore& Database::chunks() { return *impl_->chunks; }
storage::ExemplarTable& Database::exemplars() { return *impl_->exemplars; }
const storage::RollupStore& Database::rollups() { return *impl_->rollups; }
storage::MetadataTable& Database::metadata() { return *impl_->metadata; }
PostgresAlertingStore& Database::alerting() { return *impl_->alerting; }
storage::RuleStateTable& Database::rule_states() { return *impl_->rule_states; }
storage::Recovery& Database::recovery() { return *impl_->recovery; }
const std::string& Database::conninfo() const { return impl_->options.conninfo; }
Maintenance& Database::maintenance() { return *impl_->maintenance; }

bool Database::connected() const {
  return impl_->journal->connected() && !impl_->journal->fenced();
}
bool Database::fenced() const { return impl_->journal->fenced(); }

Result<void> Database::ConfirmOwnership(int64_t timeout_ms) const {
  auto connection = TRY(Connection::Open(conninfo(), "vigil-owner", {}, timeout_ms));
  return CheckOwner(connection.get(), impl_->owner, timeout_ms);
}

int64_t Database::epoch() const { return impl_->owner.epoch; }
std::vector<std::string> Database::standbys() const { return impl_->journal->standbys(); }

DatabaseMetrics Database::metrics() const {
  DatabaseMetrics metrics;
  metrics.journal = impl_->journal->metrics();
  metrics.chunks = impl_->chunks->metrics();
  metrics.maintenance = impl_->maintenance->metrics();
  metrics.schema_version = static_cast<uint64_t>(impl_->schema_version);
  metrics.server_version = impl_->server_version;
  metrics.open_read_connections = impl_->chunks->open_read_connections();
  return metrics;
}

}  // namespace vigil::postgres
