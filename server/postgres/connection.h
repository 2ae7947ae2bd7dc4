// SPDX-License-Identifier: Apache-2.0
// One connection to PostgreSQL: libpq behind Result values, with a deadline on every wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/binary.h"

struct pg_conn;
struct pg_result;

namespace vigil::postgres {

inline constexpr int kOldestServerVersion = 150000;

// How long a connection to a live server may take.
inline constexpr int64_t kConnectTimeoutMs = 5'000;

// Session settings of connections that write: what is acknowledged is on disk, and short
// statements are not worth compiling.
inline constexpr const char* kWriterSession =
    "-c synchronous_commit=on -c jit=off -c search_path=vigil,pg_catalog";
// Of those that read chunks: one plan for any number of series, by the index.
inline constexpr const char* kReaderSession =
    "-c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off "
    "-c enable_bitmapscan=off -c max_parallel_workers_per_gather=0 "
    "-c search_path=vigil,pg_catalog";

// bad_data: libpq cannot read the string. The message quotes nothing of it: there may be a password
// in it.
Result<void> CheckConninfo(const std::string& conninfo);

// The rows of one statement, in binary format. Views live as long as the Rows.
class Rows {
 public:
  Rows() = default;
  explicit Rows(pg_result* result);

  [[nodiscard]] int size() const { return size_; }
  // REQUIRES: row < size(), column < number of columns.
  [[nodiscard]] bool IsNull(int row, int column) const;
  [[nodiscard]] std::string_view Bytes(int row, int column) const;
  // REQUIRES: the column is int2, int4 or int8. Null is 0.
  [[nodiscard]] int64_t Int(int row, int column) const;
  // REQUIRES: the column is bool. Null is false.
  [[nodiscard]] bool Bool(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
  int size_ = 0;
};

// After timeout, I/O error or protocol confusion a connection is broken() for good: drop it and
// open another. Errors carry the SQLSTATE in last_sqlstate(); kinds: unavailable (connection,
// shutdown, locks, resources: try again), timeout (deadline), internal (everything else).
// Threads: owner thread only.
class Connection {
 public:
  // conninfo is libpq's key=value string or URI. options is `-c name=value …` for this session.
  static Result<std::unique_ptr<Connection>> Open(const std::string& conninfo,
                                                  const std::string& application_name,
                                                  const std::string& options, int64_t timeout_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One or more statements without parameters; the rows of the last one are dropped.
  Result<void> Execute(const std::string& sql, int64_t timeout_ms);
  // One statement; parameters as made by Parameters (binary).
  Result<Rows> Query(const std::string& sql, const Parameters& parameters, int64_t timeout_ms);
  Result<Rows> Query(const std::string& sql, int64_t timeout_ms);

  // The same statement with the same parameters' types, parsed once per connection under `name`.
  Result<void> Prepare(const std::string& name, const std::string& sql, int64_t timeout_ms);
  // Sends all, then collects: one round trip. Each is the name of a prepared statement.
  Result<std::vector<Rows>> RunPrepared(const std::vector<std::string>& names,
                                        const Parameters& parameters, int64_t timeout_ms);

  // COPY … FROM STDIN (FORMAT binary): begin, put any number of pieces, finish. An error of Put
  // or Finish leaves the transaction failed.
  Result<void> BeginCopyIn(const std::string& sql, int64_t timeout_ms);
  Result<void> PutCopyData(std::string_view bytes, int64_t timeout_ms);
  Result<void> FinishCopyIn(int64_t timeout_ms);
  // COPY … TO STDOUT (FORMAT binary): calls each(fields) per row. The deadline is for each piece
  // that arrives, not for the whole. An error of `each` stops and breaks the connection.
  template <typename F>
  Result<void> CopyOut(const std::string& sql, int64_t timeout_ms, F&& each);

  [[nodiscard]] bool broken() const;
  [[nodiscard]] int server_version() const;
  // Five characters, empty when the last error was not the server's.
  [[nodiscard]] const std::string& last_sqlstate() const { return sqlstate_; }

 private:
  explicit Connection(pg_conn* conn) : conn_(conn) {}
  Result<void> Flush(int64_t deadline_ns);
  Result<void> WaitReadable(int64_t deadline_ns);
  // Null when there are no more results of the statement.
  Result<pg_result*> NextResult(int64_t deadline_ns);
  Result<Rows> CollectLast(int64_t deadline_ns);
  Result<std::vector<Rows>> CollectPipeline(size_t count, int64_t deadline_ns);
  Result<void> BeginCopyOut(const std::string& sql, int64_t timeout_ms);
  // The next piece; empty at the end.
  Result<std::string_view> NextCopyPiece(int64_t timeout_ms);
  Error ResultError(pg_result* result);
  Error Break(Error error);

  pg_conn* conn_;
  char* copy_piece_ = nullptr;
  std::string sqlstate_;
  bool broken_ = false;
};

template <typename F>
Result<void> Connection::CopyOut(const std::string& sql, int64_t timeout_ms, F&& each) {
  TRY(BeginCopyOut(sql, timeout_ms));
  CopyOutParser parser;
  while (true) {
    const std::string_view piece = TRY(NextCopyPiece(timeout_ms));
    if (piece.empty()) return Ok();
    auto fed = parser.Feed(piece, each);
    if (!fed) return Break(std::move(fed).error());
  }
}

// True for errors after which the same call may well succeed on a new connection.
bool IsRetryable(std::string_view sqlstate);

}  // namespace vigil::postgres
