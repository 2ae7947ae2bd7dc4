// SPDX-License-Identifier: Apache-2.0
// For tests against a real PostgreSQL: temporary storage paths and small helpers.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/postgres/connection.h"
#include "server/postgres/database.h"
#include "server/postgres/managed_postgres.h"
#include "server/postgres/schema.h"

namespace vigil::postgres {

inline constexpr int64_t kMinute = 60'000;
inline constexpr int64_t kHour = 60 * kMinute;
inline constexpr int64_t kDay = 24 * kHour;
// A leaf begins here.
inline constexpr TimestampMs kStart = 1'700'006'400'000;

// A directory that the cluster's user may enter; removed at the end.
class TemporaryPath {
 public:
  TemporaryPath() {
    path_ = std::filesystem::temp_directory_path() / "vigil-pgtest-XXXXXX";
    CHECK(mkdtemp(path_.data()) != nullptr);
    CHECK(chmod(path_.c_str(), 0755) == 0);
  }
  ~TemporaryPath() { std::filesystem::remove_all(path_); }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

#define ASSERT_OK(expr)                                                \
  do {                                                                 \
    const auto& assert_ok_result = (expr);                             \
    ASSERT_TRUE(assert_ok_result) << assert_ok_result.error().message; \
  } while (false)

// Tests need no durability against power loss; the time goes into what they are about.
inline std::unique_ptr<ManagedPostgres> StartManagedAnew(const std::string& path) {
  ManagedPostgresOptions options;
  options.storage_path = path;
  options.settings = {{"fsync", "off"}, {"shared_buffers", "16MB"}};
  auto managed = ManagedPostgres::Start(std::move(options));
  EXPECT_TRUE(managed) << managed.error().message;
  return managed ? std::move(*managed) : nullptr;
}

// A fresh cluster as StartManagedAnew makes it, made once per process and copied.
inline void CopyFreshCluster(const std::string& path) {
  static const TemporaryPath fresh;
  static const bool made = StartManagedAnew(fresh.path()) != nullptr;
  if (!made || std::filesystem::exists(path + "/postgres")) return;
  const std::string command =
      "mkdir -p \"$VIGIL_TO\" && cp -a \"$VIGIL_FROM/postgres\" \"$VIGIL_TO/postgres\"";
  setenv("VIGIL_FROM", fresh.path().c_str(), 1);
  setenv("VIGIL_TO", path.c_str(), 1);
  EXPECT_EQ(std::system(command.c_str()), 0);
}

inline std::unique_ptr<ManagedPostgres> StartManaged(const std::string& path) {
  CopyFreshCluster(path);
  return StartManagedAnew(path);
}

inline DatabaseOptions OptionsFor(const std::string& conninfo) {
  DatabaseOptions options;
  options.conninfo = conninfo;
  options.commit_interval_ms = 10;
  options.ownership_wait_ms = 300;
  return options;
}

inline std::unique_ptr<Database> OpenDatabase(const DatabaseOptions& options) {
  auto database = Database::Open(options);
  EXPECT_TRUE(database) << database.error().message;
  return database ? std::move(*database) : nullptr;
}

inline std::unique_ptr<Connection> Connect(const std::string& conninfo) {
  auto connection = Connection::Open(conninfo, "test", "", 10'000);
  EXPECT_TRUE(connection) << connection.error().message;
  return connection ? std::move(*connection) : nullptr;
}

// The first column of the first row as text; the query must cast to text.
inline std::string Ask(Connection* connection, const std::string& sql) {
  auto rows = connection->Query(sql, 60'000);
  EXPECT_TRUE(rows) << rows.error().message << " in " << sql;
  if (!rows || rows->size() == 0) return "(no row)";
  return rows->IsNull(0, 0) ? "(null)" : std::string(rows->Bytes(0, 0));
}

inline std::vector<std::string> ReplayedPages(Database* database) {
  std::vector<std::string> pages;
  const auto done =
      database->recovery().ReplayJournal([&](std::string_view page) { pages.emplace_back(page); });
  EXPECT_TRUE(done) << done.error().message;
  return pages;
}

}  // namespace vigil::postgres
