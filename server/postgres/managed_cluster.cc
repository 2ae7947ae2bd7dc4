// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/managed_cluster.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "client-lib/base/clock.h"
#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kToolTimeoutMs = 120'000;
// sun_path is 108 bytes with the NUL; the socket is <dir>/.s.PGSQL.5432.
constexpr size_t kMaxSocketDir = 107 - 14;
constexpr std::string_view kInstallHint =
    "install it (apt-get install postgresql), set VIGIL_POSTGRES_BINDIR to its bin directory, or "
    "use a running database with --storage.postgres.dsn";

std::string Errno() { return std::strerror(errno); }

Result<std::string> RealPath(const std::string& path) {
  std::array<char, PATH_MAX> real;
  if (realpath(path.c_str(), real.data()) == nullptr) return Internal(path + ": " + Errno());
  return std::string(real.data());
}

bool Owns(const struct stat& info, const ProcessUser& user) { return info.st_uid == user.uid; }

// Whether the user may pass through the directory.
bool MayEnter(const struct stat& info, const ProcessUser& user) {
  if (Owns(info, user)) return (info.st_mode & S_IXUSR) != 0;
  const bool group = info.st_gid == user.gid || std::find(user.groups.begin(), user.groups.end(),
                                                          info.st_gid) != user.groups.end();
  return (info.st_mode & (group ? S_IXGRP : S_IXOTH)) != 0;
}

Result<void> CheckTraversable(const std::string& path, const ProcessUser& user) {
  if (!user.change) return Ok();
  for (size_t slash = path.find('/', 1); true; slash = path.find('/', slash + 1)) {
    const std::string dir = path.substr(0, slash);
    struct stat info = {};
    if (stat(dir.c_str(), &info) != 0) return Internal(dir + ": " + Errno());
    if (!MayEnter(info, user)) {
      return Internal("PostgreSQL runs as user " + user.name + ", who may not enter " + dir +
                      ": choose another --storage.path, or run: chmod o+x " + dir);
    }
    if (slash == std::string::npos) return Ok();
  }
}

Result<FileDescriptor> LockStorage(const std::string& storage_path) {
  const std::string path = storage_path + "/lock";
  FileDescriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!lock.valid()) return Internal(path + ": " + Errno());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    auto holder = ReadFile(path);
    return Unavailable("the storage path " + storage_path + " is in use by another vigil-server" +
                       (holder ? " (pid " + std::string(TrimSpace(*holder)) + ")" : "") +
                       ": stop it, or give each server its own --storage.path");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock.get(), 0) != 0 || pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
    return Internal(path + ": " + Errno());
  }
  return lock;
}

bool HasBinaries(const std::string& dir) {
  return access((dir + "/postgres").c_str(), X_OK) == 0 &&
         access((dir + "/initdb").c_str(), X_OK) == 0;
}

std::vector<std::string> CandidateDirs(const std::string& wanted) {
  if (!wanted.empty()) return {wanted};
  if (const char* env = std::getenv("VIGIL_POSTGRES_BINDIR"); env != nullptr && *env != '\0') {
    return {env};
  }
  std::vector<std::string> dirs;
  if (auto versions = ListDirectory("/usr/lib/postgresql")) {
    for (const std::string& version : *versions) {
      dirs.push_back("/usr/lib/postgresql/" + version + "/bin");
    }
  }
  if (const char* path = std::getenv("PATH"); path != nullptr) {
    for (const std::string_view dir : Split(path, ':')) dirs.emplace_back(dir);
  }
  return dirs;
}

// The version of the data directory when there is one, else 0.
int DataMajor(const std::string& data_dir) {
  auto text = ReadFile(data_dir + "/PG_VERSION");
  if (!text) return 0;
  return static_cast<int>(ParseInt(TrimSpace(*text)).value_or(0));
}

Result<void> FindBinaries(const std::string& wanted, Cluster* cluster) {
  const int data_major = DataMajor(cluster->data_dir);
  std::string seen;
  for (const std::string& dir : CandidateDirs(wanted)) {
    if (!HasBinaries(dir)) continue;
    ProcessSpec spec;
    spec.argv = {dir + "/postgres", "--version"};
    spec.user = cluster->user;
    const int major = ParseMajor(TRY(Run(spec, kToolTimeoutMs)));
    seen += (seen.empty() ? "" : ", ") + dir + " (" + std::to_string(major) + ")";
    const bool fits = data_major == 0 ? major >= kOldestMajor : major == data_major;
    if (!fits || major <= cluster->major) continue;
    cluster->bin_dir = dir;
    cluster->major = major;
  }
  if (cluster->major != 0) return Ok();
  if (data_major != 0) {
    return Internal(cluster->data_dir + " was made by PostgreSQL " + std::to_string(data_major) +
                    ", which was not found: install postgresql-" + std::to_string(data_major) +
                    ", or set VIGIL_POSTGRES_BINDIR to its bin directory");
  }
  return Internal("no PostgreSQL " + std::to_string(kOldestMajor) + " or later was found" +
                  (seen.empty() ? "" : ", only " + seen) + ": " + std::string(kInstallHint));
}

Result<void> RunTool(const Cluster& cluster, std::vector<std::string> argv, std::string input) {
  ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.user = cluster.user;
  spec.input = std::move(input);
  TRY(Run(spec, kToolTimeoutMs));
  return Ok();
}

// As the cluster's user: the directory is his, and root must not follow what he puts there.
Result<void> WriteAsUser(const Cluster& cluster, const std::string& path, const char* redirect,
                         const std::string& text) {
  const std::string script = std::string("umask 077; cat ") + redirect + " \"$1\"";
  return RunTool(cluster, {"/bin/sh", "-c", script, "sh", path}, text);
}

// Everybody who may enter the private directory may be vigil: root, the cluster's user, ourselves.
Result<void> WriteAccessFiles(const Cluster& cluster, const std::string& dir) {
  TRY(WriteAsUser(cluster, dir + "/pg_hba.conf", ">",
                  "# Written by vigil-server when it made this cluster; change it as you like.\n"
                  "local all all peer map=vigil\n"
                  "local replication all peer map=vigil\n"));
  std::string map = "# Operating system users that may connect as vigil.\nvigil root vigil\n";
  if (cluster.user.name != "root") map += "vigil " + cluster.user.name + " vigil\n";
  TRY(WriteAsUser(cluster, dir + "/pg_ident.conf", ">", map));
  return WriteAsUser(cluster, dir + "/postgresql.conf", ">>",
                     "\n# Written anew at each start of vigil-server; lines below it win.\n"
                     "include_if_exists = 'vigil.conf'\n");
}

// Into a directory of another name first, so that a kill leaves no half-made cluster behind.
Result<void> MakeCluster(const Cluster& cluster) {
  const std::string fresh = cluster.data_dir + ".new";
  log::Info("postgres", "making a new database cluster",
            {{"path", cluster.data_dir}, {"user", cluster.user.name}});
  ProcessUser self;
  self.uid = geteuid();
  Cluster as_self;
  as_self.user = self;
  TRY(RunTool(as_self, {"/bin/rm", "-rf", "--", fresh}, ""));
  TRY(MakePrivateDirectory(fresh, cluster.user));
  TRY_CONTEXT(RunTool(cluster,
                      {cluster.bin_dir + "/initdb", "--pgdata=" + fresh, "--username=vigil",
                       "--encoding=UTF8", "--locale=C", "--data-checksums", "--auth=peer",
                       "--no-instructions"},
                      ""),
              "making the database cluster");
  TRY(WriteAccessFiles(cluster, fresh));
  if (rename(fresh.c_str(), cluster.data_dir.c_str()) != 0) {
    return Internal("rename " + fresh + ": " + Errno());
  }
  return Ok();
}

// For one machine with other work to do: little memory, few processes, few but large writes.
std::vector<std::pair<std::string, std::string>> BuiltInSettings() {
  return {{"listen_addresses", ""},
          {"max_connections", "40"},
          // The page cache does the rest; the server keeps what is read often itself.
          {"shared_buffers", "32MB"},
          {"wal_buffers", "4MB"},
          {"work_mem", "8MB"},
          {"maintenance_work_mem", "64MB"},
          {"huge_pages", "off"},
          {"jit", "off"},
          {"max_parallel_workers_per_gather", "0"},
          {"max_worker_processes", "2"},
          {"max_logical_replication_workers", "0"},
          // A backup takes two, and those of one that was killed linger until they notice.
          {"max_wal_senders", "6"},
          {"max_wal_size", "1GB"},
          {"min_wal_size", "80MB"},
          {"checkpoint_timeout", "15min"},
          {"checkpoint_completion_target", "0.9"},
          {"bgwriter_lru_maxpages", "100"},
          {"autovacuum_max_workers", "1"},
          {"autovacuum_naptime", "5min"},
          {"max_locks_per_transaction", "256"},
          {"random_page_cost", "1.1"},
          {"client_connection_check_interval", "10s"},
          {"idle_in_transaction_session_timeout", "10min"},
          {"log_checkpoints", "off"},
          {"log_line_prefix", ""},
          {"timezone", "UTC"}};
}

Result<void> WriteSettings(const Cluster& cluster) {
  std::string text =
      "# Written by vigil-server at each start. Own settings go to the end of\n"
      "# postgresql.conf or are made with ALTER SYSTEM.\n";
  for (const auto& [name, value] : BuiltInSettings()) text += SettingLine(name, value);
  ProcessSpec probe;
  probe.argv = {cluster.bin_dir + "/postgres", "-D", cluster.data_dir, "-c",
                "wal_compression=lz4",         "-C", "wal_compression"};
  probe.user = cluster.user;
  // A PostgreSQL that was built without lz4 still has its own method.
  text += SettingLine("wal_compression", Run(probe, kToolTimeoutMs) ? "lz4" : "on");
  for (const auto& [name, value] : cluster.settings) text += SettingLine(name, value);
  return WriteAsUser(cluster, cluster.data_dir + "/vigil.conf", ">", text);
}

std::string PidFile(const Cluster& cluster) { return cluster.data_dir + "/postmaster.pid"; }

// First line of a lock file of PostgreSQL; 0 when there is none.
pid_t PidIn(const std::string& path) {
  auto text = ReadFile(path);
  if (!text) return 0;
  const auto lines = Split(*text, '\n');
  return static_cast<pid_t>(lines.empty() ? 0 : ParseInt(TrimSpace(lines[0])).value_or(0));
}

// A postmaster's working directory is its data directory; a number may have been given to another
// process since.
bool RunsHere(const Cluster& cluster, pid_t pid) {
  std::array<char, PATH_MAX> target;
  const std::string link = "/proc/" + std::to_string(pid) + "/cwd";
  const ssize_t n = readlink(link.c_str(), target.data(), target.size());
  return n > 0 && std::string_view(target.data(), static_cast<size_t>(n)) == cluster.data_dir;
}

bool GoneWithin(const Cluster& cluster, pid_t pid, int64_t ms) {
  const int64_t deadline_ns = Clock::System().MonotonicNs() + ms * 1'000'000;
  while (RunsHere(cluster, pid)) {
    if (Clock::System().MonotonicNs() >= deadline_ns) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// PostgreSQL takes any living process of its user for the postmaster that its lock files name, and
// a killed one that nobody has reaped yet (pid 1 of a container may never do) still counts as
// living. REQUIRES: no postmaster runs here.
Result<void> RemoveStaleLocks(const Cluster& cluster) {
  for (const std::string& path : {PidFile(cluster), cluster.socket_dir + "/.s.PGSQL.5432.lock"}) {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return Internal(path + ": " + Errno());
  }
  return Ok();
}

}  // namespace

Result<void> MakePrivateDirectory(const std::string& path, const ProcessUser& user) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Internal(path + ": " + Errno());
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return Internal(path + ": " + Errno());
  const bool ours = S_ISDIR(info.st_mode) && (Owns(info, user) || info.st_uid == geteuid());
  if (!ours) return Internal(path + " belongs to somebody else: remove it");
  if (!Owns(info, user) && lchown(path.c_str(), user.uid, user.gid) != 0) {
    return Internal("chown " + path + ": " + Errno());
  }
  if ((info.st_mode & 077) != 0 && chmod(path.c_str(), 0700) != 0) {
    return Internal("chmod " + path + ": " + Errno());
  }
  return Ok();
}

Result<std::string> FindTool(const std::string& name) {
  std::string found;
  int newest = 0;
  for (const std::string& dir : CandidateDirs("")) {
    const std::string path = dir + "/" + name;
    if (access(path.c_str(), X_OK) != 0) continue;
    ProcessSpec spec;
    spec.argv = {path, "--version"};
    auto version = Run(spec, kToolTimeoutMs);
    const int major = version ? ParseMajor(*version) : 0;
    if (major <= newest) continue;
    newest = major;
    found = path;
  }
  if (found.empty()) return Internal(name + " was not found: " + std::string(kInstallHint));
  return found;
}

Result<Cluster> PrepareCluster(const ClusterOptions& options) {
  Cluster cluster;
  cluster.settings = options.settings;
  TRY(MakeDirectories(options.storage_path));
  cluster.storage_path = TRY(RealPath(options.storage_path));
  cluster.data_dir = cluster.storage_path + "/postgres";
  cluster.user = TRY(ChooseUser(options.user));
  TRY(CheckTraversable(cluster.storage_path, cluster.user));
  cluster.lock = TRY(LockStorage(cluster.storage_path));
  TRY(FindBinaries(options.bin_dir, &cluster));
  if (!DirectoryExists(cluster.data_dir)) TRY(MakeCluster(cluster));
  if (DataMajor(cluster.data_dir) == 0) {
    return Internal(cluster.data_dir + " is not a PostgreSQL data directory: move it away");
  }
  cluster.socket_dir = ChooseSocketDir(cluster.storage_path, cluster.user.uid);
  TRY(MakePrivateDirectory(cluster.socket_dir, cluster.user));
  TRY(WriteSettings(cluster));
  return cluster;
}

Result<void> StopLeftOver(const Cluster& cluster) {
  const pid_t pid = PidIn(PidFile(cluster));
  if (pid <= 1 || !RunsHere(cluster, pid)) return RemoveStaleLocks(cluster);
  log::Warn("postgres", "stopping the PostgreSQL of a server that was killed",
            {{"pid", static_cast<int64_t>(pid)}});
  const std::array<std::pair<int, int64_t>, 3> steps = {
      std::pair{SIGINT, 15'000}, {SIGQUIT, 5'000}, {SIGKILL, 5'000}};
  for (const auto& [signal, patience_ms] : steps) {
    if (kill(pid, signal) != 0 && errno != ESRCH) {
      return Internal("stopping PostgreSQL (pid " + std::to_string(pid) + "): " + Errno());
    }
    if (GoneWithin(cluster, pid, patience_ms)) return RemoveStaleLocks(cluster);
  }
  return Internal("PostgreSQL with pid " + std::to_string(pid) + " on " + cluster.data_dir +
                  " cannot be stopped: end it by hand");
}

std::vector<std::string> PostgresCommand(const Cluster& cluster) {
  return {cluster.bin_dir + "/postgres", "-D", cluster.data_dir, "-c",
          // A comma-separated list of names: quoted, so that the path may have commas and blanks.
          "unix_socket_directories=\"" + cluster.socket_dir + "\"", "-c", "port=5432", "-c",
          "logging_collector=off", "-c", "log_destination=stderr"};
}

bool IsReady(const Cluster& cluster, int pid) {
  if (PidIn(PidFile(cluster)) != pid) return false;
  auto text = ReadFile(cluster.data_dir + "/postmaster.pid");
  if (!text) return false;
  const auto lines = Split(*text, '\n');
  return lines.size() >= 8 && TrimSpace(lines[7]) == "ready";
}

std::string Conninfo(const Cluster& cluster, const std::string& database) {
  return "host=" + QuoteConninfo(cluster.socket_dir) +
         " port=5432 user=vigil dbname=" + QuoteConninfo(database);
}

std::string PsqlCommand(const Cluster& cluster) {
  return "psql -h " + QuoteShell(cluster.socket_dir) + " -U vigil vigil";
}

int ParseMajor(std::string_view version_output) {
  constexpr std::string_view kMark = "(PostgreSQL) ";
  const size_t at = version_output.find(kMark);
  if (at == std::string_view::npos) return 0;
  const std::string_view rest = version_output.substr(at + kMark.size());
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  return static_cast<int>(ParseInt(rest.substr(0, digits)).value_or(0));
}

std::string SettingLine(const std::string& name, const std::string& value) {
  return name + " = " + QuoteConninfo(value) + "\n";
}

std::string ChooseSocketDir(const std::string& storage_path, uid_t uid) {
  std::string dir = storage_path + "/postgres-socket";
  if (dir.size() <= kMaxSocketDir) return dir;
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a: only has to differ between paths
  for (const char c : storage_path)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string name;
  for (int shift = 60; shift >= 0; shift -= 4) name += kHex[hash >> shift & 15];
  return "/tmp/vigil-" + std::to_string(uid) + "-" + name;
}

std::string QuoteConninfo(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string QuoteShell(std::string_view value) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:@%+,";
  if (!value.empty() && value.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(value);
  }
  std::string quoted = "'";
  for (const char c : value) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace vigil::postgres
