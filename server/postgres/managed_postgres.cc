// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/managed_postgres.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "client-lib/base/clock.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/postgres/connection.h"
#include "server/postgres/managed_cluster.h"
#include "server/postgres/managed_process.h"
#include "server/postgres/snapshot.h"

namespace vigil::postgres {
namespace {

constexpr int kStartingPollMs = 20;
constexpr int64_t kFirstBackoffMs = 100;
constexpr int64_t kLongestBackoffMs = 5'000;
constexpr int64_t kGoodRunNs = 60'000'000'000;  // after so long the backoff begins anew
constexpr int64_t kHardStopMs = 5'000;
constexpr size_t kKeptLines = 3;
constexpr std::string_view kDatabase = "vigil";

int64_t NowNs() { return Clock::System().MonotonicNs(); }

// PostgreSQL's stderr as lines of our log, and the last ones that tell why it ended.
class LogRelay {
 public:
  void ReadFrom(int fd) {
    std::array<char, 4096> buffer;
    ssize_t n = 0;
    while ((n = read(fd, buffer.data(), buffer.size())) > 0) {
      partial_.append(buffer.data(), static_cast<size_t>(n));
      size_t end = 0;
      while ((end = partial_.find('\n')) != std::string::npos) {
        Line(std::string_view(partial_).substr(0, end));
        partial_.erase(0, end + 1);
      }
    }
  }

  [[nodiscard]] std::string Reasons() const {
    return kept_.empty() ? "no reason given"
                         : Join(std::vector<std::string>(kept_.begin(), kept_.end()), "; ");
  }

 private:
  void Line(std::string_view line) {
    line = TrimSpace(line);
    if (line.empty()) return;
    log::Level level = log::Level::kDebug;
    if (line.starts_with("LOG:") || line.starts_with("HINT:")) level = log::Level::kInfo;
    if (line.starts_with("WARNING:") || line.starts_with("ERROR:")) level = log::Level::kWarn;
    const bool fatal = line.starts_with("FATAL:") || line.starts_with("PANIC:");
    // Connections that come too early are told so with FATAL: no reason to wake an operator.
    if (fatal) level = log::Level::kWarn;
    if (log::Enabled(level)) log::Write(level, "postgres", line, {});
    kept_.emplace_back(line);
    if (kept_.size() > kKeptLines) kept_.pop_front();
  }

  std::string partial_;
  std::deque<std::string> kept_;
};

Result<void> EnsureDatabase(const Cluster& cluster) {
  auto connection = TRY(Connection::Open(Conninfo(cluster, "postgres"), "vigil-start", "", 10'000));
  const std::string name(kDatabase);
  const Rows rows =
      TRY(connection->Query("SELECT FROM pg_database WHERE datname = '" + name + "'", 10'000));
  if (rows.size() > 0) return Ok();
  return connection->Execute("CREATE DATABASE " + name + " TEMPLATE template0", 60'000);
}

}  // namespace

std::string_view ManagedStateName(ManagedState state) {
  switch (state) {
    case ManagedState::kStarting:
      return "starting";
    case ManagedState::kRunning:
      return "running";
    case ManagedState::kRestarting:
      return "restarting";
    case ManagedState::kStopped:
      return "stopped";
  }
  return "unknown";
}

struct ManagedPostgres::Impl {
  ManagedPostgresOptions options;
  Cluster cluster;
  std::string conninfo;
  std::string psql_command;
  FileDescriptor wake;  // eventfd: Stop() to the supervisor
  std::atomic<bool> stopping{false};
  std::atomic<int> pid{0};
  std::atomic<uint64_t> restarts{0};

  std::mutex mutex;  // guards the two below; the condition variable needs the bare mutex
  std::condition_variable changed;
  ManagedState state = ManagedState::kStarting;
  std::string reason;  // why the last child ended

  // Ends last before the rest: the death signal of the child is tied to this thread.
  std::jthread supervisor;

  void Supervise();
  // Starts one child and stays with it until it has ended.
  Result<void> RunChild();
  // True when the child is to be stopped: somebody called Stop.
  void Watch(const Process& process, LogRelay* relay);
  void StopChild(const Process& process, LogRelay* relay);
  // Waits for exit, output or a wish to stop. True once the child has ended.
  bool Poll(const Process& process, LogRelay* relay, int timeout_ms, bool heed_wake);
  void Pause(int64_t ms);
  void Set(ManagedState next, const std::string& why);
};

void ManagedPostgres::Impl::Set(ManagedState next, const std::string& why) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    state = next;
    reason = why;
  }
  changed.notify_all();
}

void ManagedPostgres::Impl::Supervise() {
  int64_t backoff_ms = kFirstBackoffMs;
  while (!stopping) {
    const int64_t start_ns = NowNs();
    auto ended = RunChild();
    pid = 0;
    if (stopping) break;
    const std::string why = ended ? "it ended" : ended.error().message;
    log::Error("postgres", "PostgreSQL ended, starting it again",
               {{"err", why}, {"pause_ms", backoff_ms}});
    Set(ManagedState::kRestarting, why);
    ++restarts;
    Pause(backoff_ms);
    backoff_ms = NowNs() - start_ns > kGoodRunNs ? kFirstBackoffMs
                                                 : std::min(backoff_ms * 2, kLongestBackoffMs);
  }
  Set(ManagedState::kStopped, "stopped");
}

Result<void> ManagedPostgres::Impl::RunChild() {
  TRY(StopLeftOver(cluster));
  ProcessSpec spec;
  spec.argv = PostgresCommand(cluster);
  spec.user = cluster.user;
  // Fast shutdown: ends sessions, writes a checkpoint, so that the next start needs no recovery.
  spec.death_signal = SIGINT;
  const Process process = TRY(Spawn(spec));
  pid = process.pid;
  LogRelay relay;
  Watch(process, &relay);
  bool success = false;
  const std::string status = Reap(process, &success);
  relay.ReadFrom(process.output.get());
  return Internal("postgres ended with " + status + ": " + relay.Reasons());
}

void ManagedPostgres::Impl::Watch(const Process& process, LogRelay* relay) {
  bool ready = false;
  while (!stopping) {
    if (Poll(process, relay, ready ? -1 : kStartingPollMs, true)) return;
    if (!ready && IsReady(cluster, process.pid)) {
      ready = true;
      Set(ManagedState::kRunning, "");
    }
  }
  StopChild(process, relay);
}

void ManagedPostgres::Impl::StopChild(const Process& process, LogRelay* relay) {
  const std::array<std::pair<int, int64_t>, 3> steps = {
      std::pair{SIGINT, options.stop_timeout_ms}, {SIGQUIT, kHardStopMs}, {SIGKILL, kHardStopMs}};
  for (const auto& [signal, patience_ms] : steps) {
    kill(process.pid, signal);
    const int64_t deadline_ns = NowNs() + patience_ms * 1'000'000;
    while (NowNs() < deadline_ns) {
      if (Poll(process, relay, 100, false)) return;
    }
    log::Warn("postgres", "PostgreSQL does not stop",
              {{"pid", static_cast<int64_t>(process.pid)}, {"signal", signal}});
  }
}

bool ManagedPostgres::Impl::Poll(const Process& process, LogRelay* relay, int timeout_ms,
                                 bool heed_wake) {
  std::array<pollfd, 3> fds = {pollfd{process.exited.get(), POLLIN, 0},
                               pollfd{process.output.get(), POLLIN, 0},
                               pollfd{wake.get(), POLLIN, 0}};
  poll(fds.data(), heed_wake ? 3 : 2, timeout_ms);
  if ((fds[1].revents & POLLIN) != 0) relay->ReadFrom(process.output.get());
  return fds[0].revents != 0;
}

void ManagedPostgres::Impl::Pause(int64_t ms) {
  pollfd fd{wake.get(), POLLIN, 0};
  poll(&fd, 1, static_cast<int>(ms));
}

Result<std::unique_ptr<ManagedPostgres>> ManagedPostgres::Start(ManagedPostgresOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  const ManagedPostgresOptions& set = impl->options;
  impl->cluster = TRY(PrepareCluster({set.storage_path, set.bin_dir, set.user, set.settings}));
  impl->conninfo = Conninfo(impl->cluster, std::string(kDatabase));
  impl->psql_command = PsqlCommand(impl->cluster);
  impl->wake = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl->wake.valid()) return Internal("eventfd failed");
  Impl* raw = impl.get();
  raw->supervisor = std::jthread([raw] { raw->Supervise(); });
  std::unique_ptr<ManagedPostgres> managed(new ManagedPostgres(std::move(impl)));

  std::string why;
  {
    std::unique_lock<std::mutex> lock(raw->mutex);
    // The first child may meet the last backends of a killed postmaster: some attempts are due.
    raw->changed.wait_for(lock, std::chrono::milliseconds(set.start_timeout_ms), [&] {
      return raw->state == ManagedState::kRunning || raw->restarts >= 5;
    });
    if (raw->state != ManagedState::kRunning) {
      why = raw->reason.empty() ? "it is not ready in time" : raw->reason;
    }
  }
  if (!why.empty()) return Internal("PostgreSQL does not start: " + why);
  TRY_CONTEXT(EnsureDatabase(raw->cluster), "creating the database");
  log::Info("postgres", "PostgreSQL is ready",
            {{"pid", raw->pid.load()}, {"connect", raw->psql_command}});
  return managed;
}

ManagedPostgres::ManagedPostgres(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ManagedPostgres::~ManagedPostgres() { Stop(); }

void ManagedPostgres::Stop() {
  impl_->stopping = true;
  const uint64_t one = 1;
  if (write(impl_->wake.get(), &one, sizeof(one)) < 0) {
    log::Warn("postgres", "could not wake the supervisor of PostgreSQL");
  }
  if (impl_->supervisor.joinable()) impl_->supervisor.join();
}

Result<void> ManagedPostgres::BackUp(const std::string& directory, int64_t timeout_ms,
                                     const std::stop_token& stop) const {
  return BackUpCluster(impl_->cluster, directory, timeout_ms, stop);
}

const std::string& ManagedPostgres::conninfo() const { return impl_->conninfo; }
const std::string& ManagedPostgres::psql_command() const { return impl_->psql_command; }
ManagedState ManagedPostgres::state() const {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->state;
}
int ManagedPostgres::pid() const { return impl_->pid; }
uint64_t ManagedPostgres::restarts() const { return impl_->restarts; }

}  // namespace vigil::postgres
