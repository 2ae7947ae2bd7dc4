// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/snapshot.h"

#include <libpq-fe.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace vigil::postgres {
namespace {

Error SystemError(const std::string& path) { return Internal(path + ": " + std::strerror(errno)); }

// Works in a directory of another name, which becomes `directory` only when everything is in it.
template <typename F>
Result<void> Into(const std::string& directory, const ProcessUser& user, F&& work) {
  const std::string fresh = directory + ".tmp";
  TRY(MakePrivateDirectory(fresh, user));
  Result<void> done = work(fresh);
  if (done && rename(fresh.c_str(), directory.c_str()) != 0) done = SystemError(directory);
  if (!done) {
    std::error_code ignored;  // the error of the work is the one that counts
    std::filesystem::remove_all(fresh, ignored);
  }
  return done;
}

struct Login {
  std::string conninfo;  // without the password
  std::string password;
};

Result<Login> Split(const std::string& conninfo) {
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(conninfo.c_str(), &why), PQconninfoFree);
  if (options == nullptr) {
    const std::string text = why == nullptr ? "no memory" : why;
    PQfreemem(why);
    return BadData("--storage.postgres.dsn: " + text);
  }
  Login login;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    if (std::strcmp(option->keyword, "password") == 0) {
      login.password = option->val;
      continue;
    }
    if (!login.conninfo.empty()) login.conninfo += ' ';
    login.conninfo += std::string(option->keyword) + "=" + QuoteConninfo(option->val);
  }
  return login;
}

}  // namespace

Result<void> BackUpCluster(const Cluster& cluster, const std::string& directory, int64_t timeout_ms,
                           const std::stop_token& stop) {
  return Into(directory, cluster.user, [&](const std::string& fresh) -> Result<void> {
    ProcessSpec spec;
    spec.argv = {cluster.bin_dir + "/pg_basebackup",
                 "--pgdata=" + fresh + "/postgres",
                 "--host=" + cluster.socket_dir,
                 "--port=5432",
                 "--username=vigil",
                 "--wal-method=stream",
                 "--checkpoint=fast",
                 "--no-password"};
    spec.user = cluster.user;
    spec.stop = stop;
    TRY_CONTEXT(Run(spec, timeout_ms), "backing the database cluster up");
    return Ok();
  });
}

Result<void> DumpDatabase(const std::string& conninfo, const std::string& directory,
                          int64_t timeout_ms, const std::stop_token& stop) {
  const Login login = TRY(Split(conninfo));
  const std::string pg_dump = TRY(FindTool("pg_dump"));
  ProcessUser self;
  self.uid = geteuid();
  self.gid = getegid();
  return Into(directory, self, [&](const std::string& fresh) -> Result<void> {
    ProcessSpec spec;
    spec.argv = {"/bin/sh",
                 "-c",
                 "IFS= read -r PGPASSWORD; export PGPASSWORD; exec \"$@\"",
                 "sh",
                 pg_dump,
                 "--format=custom",
                 "--compress=1",
                 "--schema=vigil",
                 "--no-password",
                 "--file=" + fresh + "/vigil.dump",
                 "--dbname=" + login.conninfo};
    spec.input = login.password + "\n";
    spec.stop = stop;
    TRY_CONTEXT(Run(spec, timeout_ms), "dumping the database");
    return Ok();
  });
}

}  // namespace vigil::postgres
