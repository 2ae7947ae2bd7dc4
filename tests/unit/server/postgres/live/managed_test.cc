// SPDX-License-Identifier: Apache-2.0
// The managed child: starts, deaths, left-overs.
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "client-lib/base/clock.h"
#include "client-lib/base/files.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kTimeoutMs = 60'000;

template <typename F>
bool Within(int64_t ms, F&& done) {
  const int64_t deadline_ns = Clock::System().MonotonicNs() + ms * 1'000'000;
  while (!done()) {
    if (Clock::System().MonotonicNs() > deadline_ns) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

bool Alive(int pid) { return kill(pid, 0) == 0; }

TEST(ManagedPostgres, StartsStopsAndStartsAgain) {
  TemporaryPath path;
  {
    auto managed = StartManagedAnew(path.path());
    ASSERT_NE(managed, nullptr);
    EXPECT_EQ(managed->state(), ManagedState::kRunning);
    auto connection = Connect(managed->conninfo());
    EXPECT_EQ(Ask(connection.get(), "SHOW data_checksums"), "on");
    EXPECT_EQ(Ask(connection.get(), "SHOW listen_addresses"), "");
    EXPECT_EQ(Ask(connection.get(), "SHOW server_encoding"), "UTF8");
    EXPECT_EQ(Ask(connection.get(), "SHOW lc_collate"), "C");
    EXPECT_EQ(Ask(connection.get(), "SHOW shared_buffers"), "16MB");
    ASSERT_OK(connection->Execute("CREATE TABLE kept (x int)", kTimeoutMs));
    const int pid = managed->pid();
    connection.reset();
    managed->Stop();
    EXPECT_EQ(managed->state(), ManagedState::kStopped);
    EXPECT_FALSE(Alive(pid));
  }
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  auto connection = Connect(managed->conninfo());
  EXPECT_EQ(Ask(connection.get(), "SELECT count(*)::text FROM kept"), "0");
}

TEST(ManagedPostgres, OperatorConnectsWithThePrintedCommand) {
  TemporaryPath path;
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  const std::string out = path.path() + "/out";
  const std::string command =
      managed->psql_command() + " -XAtc 'SELECT current_user || current_database()' > " + out;
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  auto text = ReadFile(out);
  ASSERT_OK(text);
  EXPECT_EQ(*text, "vigilvigil\n");
}

TEST(ManagedPostgres, LongStoragePathsWork) {
  TemporaryPath path;
  const std::string deep = path.path() + "/" + std::string(120, 'd') + "/it's here";
  auto managed = StartManaged(deep);
  ASSERT_NE(managed, nullptr);
  EXPECT_NE(Connect(managed->conninfo()), nullptr);
  const size_t at = managed->conninfo().find("/tmp/vigil-");
  ASSERT_NE(at, std::string::npos);
  std::filesystem::remove_all(
      managed->conninfo().substr(at, managed->conninfo().find('\'', at) - at));
}

TEST(ManagedPostgres, RefusesASecondServerOnTheSamePath) {
  TemporaryPath path;
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  ManagedPostgresOptions options;
  options.storage_path = path.path();
  const auto second = ManagedPostgres::Start(std::move(options));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use by another vigil-server (pid "), std::string::npos)
      << second.error().message;
  EXPECT_TRUE(Alive(managed->pid()));
}

TEST(ManagedPostgres, SaysWhatToInstallWhenThereAreNoBinaries) {
  TemporaryPath path;
  ManagedPostgresOptions options;
  options.storage_path = path.path() + "/new";
  options.bin_dir = path.path();
  const auto started = ManagedPostgres::Start(std::move(options));
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("apt-get install postgresql"), std::string::npos);
}

TEST(ManagedPostgres, SaysWhyPostgresDoesNotStart) {
  TemporaryPath path;
  CopyFreshCluster(path.path());
  ManagedPostgresOptions options;
  options.storage_path = path.path();
  options.settings = {{"shared_buffers", "nonsense"}};
  const auto started = ManagedPostgres::Start(std::move(options));
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("shared_buffers"), std::string::npos)
      << started.error().message;
}

TEST(ManagedPostgres, NamesTheDirectoryThatItsUserMayNotEnter) {
  if (geteuid() != 0) GTEST_SKIP() << "the child changes its user only when started by root";
  TemporaryPath path;
  ASSERT_EQ(chmod(path.path().c_str(), 0700), 0);
  ManagedPostgresOptions options;
  options.storage_path = path.path() + "/data";
  const auto started = ManagedPostgres::Start(std::move(options));
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("may not enter " + path.path()), std::string::npos)
      << started.error().message;
}

TEST(ManagedPostgres, HalfMadeClusterIsMadeAnew) {
  TemporaryPath path;
  std::filesystem::create_directories(path.path() + "/postgres.new/base");
  auto managed = StartManagedAnew(path.path());
  ASSERT_NE(managed, nullptr);
  EXPECT_FALSE(std::filesystem::exists(path.path() + "/postgres.new"));
}

// A server in a process of its own; returns the postmaster's pid once it runs.
pid_t StartServerProcess(const std::string& path, int* postmaster) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  CopyFreshCluster(path);
  const pid_t server = fork();
  if (server == 0) {
    auto managed = StartManaged(path);
    const int pid = managed == nullptr ? 0 : managed->pid();
    CHECK(write(ends[1], &pid, sizeof(pid)) == sizeof(pid));
    while (true) pause();
  }
  close(ends[1]);
  CHECK(read(ends[0], postmaster, sizeof(*postmaster)) == sizeof(*postmaster));
  close(ends[0]);
  return server;
}

TEST(ManagedPostgres, ChildEndsWhenItsServerIsKilled) {
  TemporaryPath path;
  int postmaster = 0;
  const pid_t server = StartServerProcess(path.path(), &postmaster);
  ASSERT_GT(postmaster, 1);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  EXPECT_TRUE(Within(20'000, [&] { return !Alive(postmaster); }));
}

TEST(ManagedPostgres, NextServerTakesOverAtOnceAfterAKill) {
  TemporaryPath path;
  int postmaster = 0;
  const pid_t server = StartServerProcess(path.path(), &postmaster);
  ASSERT_GT(postmaster, 1);
  // Stopped, it cannot follow the kernel's signal: a left-over as after a lost signal.
  kill(postmaster, SIGSTOP);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(postmaster, SIGCONT);
  });
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  EXPECT_NE(managed->pid(), postmaster);
  EXPECT_NE(Connect(managed->conninfo()), nullptr);
}

TEST(ManagedPostgres, PidFileOfAnotherProgramIsNoPostmaster) {
  TemporaryPath path;
  ASSERT_NE(StartManaged(path.path()), nullptr);
  // As after a reboot: the number now belongs to somebody else.
  std::ofstream(path.path() + "/postgres/postmaster.pid") << getppid() << "\n/elsewhere\n";
  EXPECT_NE(StartManaged(path.path()), nullptr);
}

// Writers while PostgreSQL is killed again and again: everything acknowledged must be there.
TEST(ManagedPostgres, AcknowledgedPagesSurviveKillsOfThePostmaster) {
  TemporaryPath path;
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  DatabaseOptions options = OptionsFor(managed->conninfo());
  auto database = OpenDatabase(options);
  ASSERT_NE(database, nullptr);
  storage::Journal& journal = database->journal();

  std::atomic<bool> stop{false};
  std::atomic<int> acknowledged{0};
  std::vector<std::string> acked;
  std::jthread writer([&] {
    for (int i = 0; !stop; ++i) {
      const std::string page = "page " + std::to_string(i) + std::string(500, '.');
      const auto position = journal.Enqueue({}, {page});
      if (i % 3 != 0) continue;  // not every page is waited for
      if (!journal.WaitDurable(position, kTimeoutMs)) continue;
      acked.push_back(page);
      ++acknowledged;
    }
  });
  for (int round = 0; round < 3; ++round) {
    const int before = acknowledged;
    ASSERT_TRUE(Within(kTimeoutMs, [&] { return acknowledged > before + 20; }));
    const int pid = managed->pid();
    ASSERT_GT(pid, 1);
    kill(pid, SIGKILL);
    ASSERT_TRUE(Within(kTimeoutMs, [&] { return managed->pid() != pid && managed->pid() > 1; }));
  }
  const int before = acknowledged;
  ASSERT_TRUE(Within(kTimeoutMs, [&] { return acknowledged > before + 20; }));
  stop = true;
  writer.join();
  EXPECT_GE(managed->restarts(), 3U);
  EXPECT_GE(database->metrics().journal.reconnects, 3U);
  database.reset();

  database = OpenDatabase(options);
  ASSERT_NE(database, nullptr);
  const std::vector<std::string> pages = ReplayedPages(database.get());
  const std::set<std::string> found(pages.begin(), pages.end());
  EXPECT_EQ(found.size(), pages.size()) << "a page was written twice";
  for (const std::string& page : acked) EXPECT_TRUE(found.contains(page)) << page;
  int last = -1;
  for (const std::string& page : pages) {
    const int number = std::stoi(page.substr(5));
    EXPECT_GT(number, last);
    last = number;
  }
}

TEST(ManagedPostgres, FlushFailsCleanlyWhenThePostmasterIsKilled) {
  TemporaryPath path;
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  auto database = OpenDatabase(OptionsFor(managed->conninfo()));
  ASSERT_NE(database, nullptr);
  const auto position = database->journal().Enqueue({}, {"page"});
  ASSERT_OK(database->journal().WaitDurable(position, kTimeoutMs));
  const std::string data(1000, 'd');
  const auto flush = [&](bool with_kill) {
    int64_t i = 0;
    return database->chunks().WriteFlush(
        [&](storage::ChunkRow* row) {
          if (with_kill && i == 2'000) kill(managed->pid(), SIGKILL);
          *row = {++i, 1000, 2000, 10, 0, data};
          return i <= 5'000;
        },
        position);
  };
  EXPECT_FALSE(flush(true));
  ASSERT_TRUE(
      Within(kTimeoutMs, [&] { return managed->restarts() == 1 && database->connected(); }));
  ASSERT_OK(database->journal().WaitDurable(database->journal().Enqueue({}, {"q"}), kTimeoutMs));
  ASSERT_OK(flush(false));
  auto connection = Connect(managed->conninfo());
  EXPECT_EQ(Ask(connection.get(), "SELECT count(*)::text FROM vigil.chunk"), "5000");
  EXPECT_EQ(Ask(connection.get(), "SELECT n_chunks::text FROM vigil.leaf"), "5000");
}

}  // namespace
}  // namespace vigil::postgres
