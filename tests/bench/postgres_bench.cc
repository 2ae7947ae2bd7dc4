// SPDX-License-Identifier: Apache-2.0
// What the database side costs: journal pages, flushes, reads, series, idle memory. Starts its own
// PostgreSQL with the settings of the product; counts CPU of this process and of PostgreSQL.
//   postgres_bench [DIRECTORY [compaction]]   the second word runs only that part
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/chunks/chunk_encoder.h"
#include "server/postgres/database.h"
#include "server/postgres/managed_postgres.h"
#include "tests/support/sample_series.h"

namespace {

using namespace vigil;
using namespace vigil::postgres;

constexpr int64_t kTimeoutMs = 60'000;

template <typename T>
T Must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(result).value();
}
void Must(Result<void> result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

// Fields of /proc/<pid>/stat behind the name: state is field 0.
std::vector<std::string> StatFields(const std::string& pid) {
  auto text = ReadFile("/proc/" + pid + "/stat");
  if (!text) return {};
  std::vector<std::string> fields;
  for (const auto field : Fields(std::string_view(*text).substr(text->rfind(')') + 1))) {
    fields.emplace_back(field);
  }
  return fields;
}

std::vector<std::string> PostgresPids(int postmaster) {
  std::vector<std::string> pids = {std::to_string(postmaster)};
  for (const std::string& pid : Must(ListDirectory("/proc"))) {
    if (!ParseUint(pid)) continue;
    const auto fields = StatFields(pid);
    if (fields.size() > 1 && fields[1] == std::to_string(postmaster)) pids.push_back(pid);
  }
  return pids;
}

double OwnCpu() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Living processes, and those the postmaster has seen end.
double PostgresCpu(int postmaster) {
  double ticks = 0;
  for (const std::string& pid : PostgresPids(postmaster)) {
    const auto fields = StatFields(pid);
    if (fields.size() < 15) continue;
    const size_t count = pid == std::to_string(postmaster) ? 4 : 2;
    for (size_t i = 0; i < count; ++i) ticks += std::stod(fields[11 + i]);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double PssMegabytes(int postmaster) {
  double kilobytes = 0;
  for (const std::string& pid : PostgresPids(postmaster)) {
    auto text = ReadFile("/proc/" + pid + "/smaps_rollup");
    if (!text) continue;
    const size_t at = text->find("\nPss:");
    if (at != std::string::npos) kilobytes += std::stod(text->substr(at + 5));
  }
  return kilobytes / 1024;
}

struct Stopwatch {
  explicit Stopwatch(int pid) : postmaster(pid), own(OwnCpu()), database(PostgresCpu(pid)) {}
  [[nodiscard]] double seconds() const {
    return static_cast<double>(Clock::System().MonotonicNs() - start_ns) * 1e-9;
  }
  void Print(const char* what, double count, const char* unit) const {
    const double mine = OwnCpu() - own;
    const double theirs = PostgresCpu(postmaster) - database;
    std::printf(
        "%-34s %9.0f %s in %6.2f s: %10.0f/s, CPU %5.2f s here + %5.2f s PostgreSQL = "
        "%6.1f us each\n",
        what, count, unit, seconds(), count / seconds(), mine, theirs,
        (mine + theirs) / count * 1e6);
  }
  int postmaster;
  double own;
  double database;
  int64_t start_ns = Clock::System().MonotonicNs();
};

std::string RandomBytes(size_t size, std::mt19937_64* random) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>((*random)());
  return bytes;
}

void BenchJournal(Database* database, int postmaster, std::mt19937_64* random) {
  constexpr int kPages = 10'000;
  const std::string page = RandomBytes(7'900, random);
  const Stopwatch watch(postmaster);
  storage::JournalPosition position = 0;
  for (int i = 0; i < kPages / 50; ++i) {
    while (!database->journal().HasRoom()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    position = database->journal().Enqueue({}, std::vector<std::string>(50, page));
  }
  Must(database->journal().WaitDurable(position, kTimeoutMs));
  watch.Print("journal pages of 7.9 kB, big batches", kPages, "pages");
}

void BenchSteadyJournal(Database* database, int postmaster, std::mt19937_64* random) {
  constexpr int kRounds = 100;
  const std::string page = RandomBytes(7'900, random);
  const uint64_t commits = database->metrics().journal.commits;
  const Stopwatch watch(postmaster);
  for (int i = 0; i < kRounds; ++i) {
    database->journal().Enqueue({}, std::vector<std::string>(10, page));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  watch.Print("journal, 100 pages/s steadily", kRounds * 10, "pages");
  std::printf("%34s %9.1f commits/s\n", "",
              static_cast<double>(database->metrics().journal.commits - commits) / watch.seconds());
}

void BenchSeries(Database* database, int postmaster) {
  constexpr int64_t kSeries = 100'000;
  {
    const Stopwatch watch(postmaster);
    std::vector<storage::SeriesRecord> series;
    for (int64_t i = 0; i < kSeries; ++i) {
      const std::string instance = "10.0." + std::to_string(i % 250) + ".1:9100";
      const std::string path = "/var/lib/data/volume-" + std::to_string(i);
      series.push_back({i + 1, Labels::Of({{"__name__", "node_filesystem_avail_bytes"},
                                           {"instance", instance},
                                           {"job", "node"},
                                           {"mountpoint", path},
                                           {"fstype", "ext4"},
                                           {"env", "production"}})});
    }
    Must(database->journal().WaitDurable(database->journal().Enqueue(std::move(series), {"page"}),
                                         kTimeoutMs));
    watch.Print("new series of 6 labels", kSeries, "series");
  }
  const Stopwatch watch(postmaster);
  size_t loaded = 0;
  Must(database->recovery().LoadSeries([&](storage::SeriesRecord) { ++loaded; }));
  watch.Print("load series", static_cast<double>(loaded), "series");
}

void BenchFlush(Database* database, int postmaster, std::mt19937_64* random) {
  constexpr int64_t kSeries = 100'000;
  constexpr int kFlushes = 4;
  constexpr int64_t kWindowMs = 30 * 60'000;
  const std::string data = RandomBytes(150, random);
  const Stopwatch watch(postmaster);
  for (int flush = 0; flush < kFlushes; ++flush) {
    int64_t i = 0;
    const int64_t start = flush * kWindowMs;
    Must(database->chunks().WriteFlush(
        [&](storage::ChunkRow* row) {
          if (i == kSeries) return false;
          ++i;
          *row = {i, start + i % 15'000, start + kWindowMs, 120, 0x0102, data};
          return true;
        },
        0));
  }
  watch.Print("flush, rows of 150 bytes", kSeries * kFlushes, "rows");
}

void BenchRead(Database* database, int postmaster, const char* what, int64_t step) {
  constexpr int kRounds = 200;
  std::vector<double> milliseconds;
  const Stopwatch watch(postmaster);
  size_t rows = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<storage::SeriesId> ids;
    for (int64_t i = 0; i < 100; ++i) ids.push_back(1 + round * 97 + i * step);
    const int64_t start_ns = Clock::System().MonotonicNs();
    rows += Must(database->chunks().Read(ids, 0, 3'600'000'000)).rows.size();
    milliseconds.push_back(static_cast<double>(Clock::System().MonotonicNs() - start_ns) * 1e-6);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  watch.Print(what, static_cast<double>(rows), "rows");
  std::printf("%34s per read of 100 series: median %.2f ms, best %.2f ms\n", "",
              milliseconds[kRounds / 2], milliseconds[0]);
}

void BenchReplay(Database* database, int postmaster) {
  const Stopwatch watch(postmaster);
  size_t pages = 0;
  Must(database->recovery().ReplayJournal([&](std::string_view) { ++pages; }));
  watch.Print("replay of journal pages", static_cast<double>(pages), "pages");
}

// 10,000 series, 720 samples each in chunks of half an hour, become one leaf of 10,000 chunks.
void BenchCompaction(const std::string& conninfo, int postmaster) {
  constexpr int64_t kSeries = 10'000;
  constexpr int64_t kChunks = 12;
  constexpr size_t kSamples = 60;
  constexpr int64_t kStepMs = 30'000;
  constexpr int64_t kStart = 399'996 * 3'600'000LL;
  ManualClock clock(kStart + 10 * 3'600'000);
  DatabaseOptions options;
  options.conninfo = conninfo;
  options.clock = &clock;
  options.maintenance.duty = 1;
  auto database = Must(Database::Open(options));
  std::vector<std::vector<double>> values;
  for (int64_t i = 0; i < 400; ++i) {
    values.push_back(vigil::testing::MakeValues(vigil::testing::kShapes[i % 8], kChunks * kSamples,
                                                static_cast<uint64_t>(i)));
  }
  chunks::ChunkEncoder encoder;
  chunks::Chunk chunk;
  for (int64_t c = 0; c < kChunks; ++c) {
    int64_t i = 0;
    const auto first = static_cast<size_t>(c) * kSamples;
    Must(database->chunks().WriteFlush(
        [&](storage::ChunkRow* row) {
          if (i == kSeries) return false;
          const auto times =
              vigil::testing::MakeTimes(kSamples, kStart + c * 1'800'000 + i % 1000, kStepMs, 0, 1);
          encoder.Encode(times,
                         std::span(values[static_cast<size_t>(i % 400)]).subspan(first, kSamples),
                         &chunk);
          *row = {++i, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
          return true;
        },
        0));
  }
  auto admin = Must(Connection::Open(conninfo, "bench", "", 5'000));
  const auto bytes = [&] {
    return Must(admin->Query("SELECT pg_total_relation_size('vigil.' || quote_ident(rel))::int8 "
                             "FROM vigil.leaf",
                             kTimeoutMs))
        .Int(0, 0);
  };
  const double samples = static_cast<double>(kSeries * kChunks) * kSamples;
  const double before = static_cast<double>(bytes());
  const Stopwatch watch(postmaster);
  Must(database->maintenance().RunOnce({}));
  watch.Print("compaction of a leaf", samples, "samples");
  const double after = static_cast<double>(bytes());
  const MaintenanceMetrics m = database->metrics().maintenance;
  std::printf(
      "%34s %llu rows to %llu; on disk %.2f to %.2f bytes per sample, chunks alone %.2f to "
      "%.2f\n",
      "", static_cast<unsigned long long>(m.merged_rows_in),
      static_cast<unsigned long long>(m.merged_rows_out), before / samples, after / samples,
      static_cast<double>(m.merged_bytes_in) / samples,
      static_cast<double>(m.merged_bytes_out) / samples);
}

}  // namespace

int main(int argc, char** argv) {
  Must(log::Configure("warn", "logfmt"));
  const std::string path = argc > 1 ? argv[1] : "/tmp/vigil-postgres-bench";
  std::filesystem::remove_all(path);
  ManagedPostgresOptions managed_options;
  managed_options.storage_path = path;
  const int64_t start_ns = Clock::System().MonotonicNs();
  auto managed = Must(ManagedPostgres::Start(managed_options));
  if (argc > 2 && std::string_view(argv[2]) == "compaction") {
    BenchCompaction(managed->conninfo(), managed->pid());
    managed.reset();
    std::filesystem::remove_all(path);
    return 0;
  }
  DatabaseOptions options;
  options.conninfo = managed->conninfo();
  auto database = Must(Database::Open(options));
  std::printf("first start: %.2f s\n",
              static_cast<double>(Clock::System().MonotonicNs() - start_ns) * 1e-9);
  const int pid = managed->pid();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  std::printf("PostgreSQL after start, idle: PSS %.1f MB in %zu processes\n", PssMegabytes(pid),
              PostgresPids(pid).size());
  std::mt19937_64 random(1);
  BenchJournal(database.get(), pid, &random);
  BenchSteadyJournal(database.get(), pid, &random);
  BenchReplay(database.get(), pid);
  BenchSeries(database.get(), pid);
  BenchFlush(database.get(), pid, &random);
  BenchRead(database.get(), pid, "read, neighbouring series, 4 chunks", 1);
  BenchRead(database.get(), pid, "read, scattered series, 4 chunks", 701);
  std::printf("PostgreSQL after all that: PSS %.1f MB in %zu processes\n", PssMegabytes(pid),
              PostgresPids(pid).size());
  database.reset();
  managed.reset();
  std::filesystem::remove_all(path);
  return 0;
}
