// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"

namespace vigil::postgres {
namespace {

int64_t DeadlineNs(int64_t timeout_ms) {
  return Clock::System().MonotonicNs() + timeout_ms * 1'000'000;
}

// libpq's messages are lines with a prefix and a newline at the end.
std::string OneLine(const char* text) {
  std::string line;
  for (const char c : TrimSpace(text == nullptr ? "" : text)) {
    if (c == '\n' || c == '\t') {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else {
      line += c;
    }
  }
  return line;
}

enum class Ready { kRead, kWrite, kDeadline };

// Waits until the socket can be read (or, when asked for, written).
Result<Ready> WaitFor(int socket, short events, int64_t deadline_ns) {
  if (socket < 0) return Unavailable("the connection to the database is closed");
  while (true) {
    const int64_t left_ns = deadline_ns - Clock::System().MonotonicNs();
    if (left_ns <= 0) return Ready::kDeadline;
    pollfd fd{socket, events, 0};
    const int left_ms = static_cast<int>(std::min<int64_t>(left_ns / 1'000'000 + 1, 60'000));
    const int n = poll(&fd, 1, left_ms);
    if (n < 0 && errno != EINTR) {
      return Internal(std::string("poll on the database's socket: ") + std::strerror(errno));
    }
    if (n <= 0) continue;
    return (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? Ready::kRead : Ready::kWrite;
  }
}

Result<void> FinishConnecting(PGconn* conn, int64_t deadline_ns) {
  if (PQstatus(conn) == CONNECTION_BAD) return Unavailable(OneLine(PQerrorMessage(conn)));
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED) return Unavailable(OneLine(PQerrorMessage(conn)));
    const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (TRY(WaitFor(PQsocket(conn), events, deadline_ns)) == Ready::kDeadline) {
      return Timeout("the database does not answer the connection attempt");
    }
    status = PQconnectPoll(conn);
  }
  return Ok();
}

std::string VersionText(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000);
}

Result<void> CheckVersion(PGconn* conn) {
  const int version = PQserverVersion(conn);
  if (version >= kOldestServerVersion) return Ok();
  return Internal("the database is PostgreSQL " + VersionText(version) +
                  ", Vigil needs 15 or later: upgrade it or name another one with "
                  "--storage.postgres.dsn");
}

}  // namespace

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

Rows::Rows(pg_result* result) : result_(result), size_(PQntuples(result)) {}

bool Rows::IsNull(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view Rows::Bytes(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

int64_t Rows::Int(int row, int column) const {
  return IsNull(row, column) ? 0 : ReadInt(Bytes(row, column));
}

bool Rows::Bool(int row, int column) const {
  return !IsNull(row, column) && Bytes(row, column) == std::string_view("\1", 1);
}

Result<void> CheckConninfo(const std::string& conninfo) {
  // Anything else is the name of a database.
  if (conninfo.find('=') == std::string::npos && !conninfo.starts_with("postgresql://") &&
      !conninfo.starts_with("postgres://")) {
    return Ok();
  }
  char* problem = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), &problem);
  PQfreemem(problem);  // quotes the string
  if (parsed == nullptr) {
    return BadData(
        "the database's connection string cannot be read: it is libpq's key=value string or a "
        "postgresql:// URI (--storage.postgres.dsn)");
  }
  PQconninfoFree(parsed);
  return Ok();
}

Result<std::unique_ptr<Connection>> Connection::Open(const std::string& conninfo,
                                                     const std::string& application_name,
                                                     const std::string& options,
                                                     int64_t timeout_ms) {
  TRY(CheckConninfo(conninfo));
  // The user's string goes first and is expanded; what Vigil depends on comes behind and wins.
  const char* const keys[] = {"dbname",
                              "application_name",
                              "options",
                              "client_encoding",
                              "keepalives",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "tcp_user_timeout",
                              nullptr};
  const char* const values[] = {conninfo.c_str(),
                                application_name.c_str(),
                                options.c_str(),
                                "UTF8",
                                "1",
                                "10",
                                "5",
                                "3",
                                "30000",
                                nullptr};
  PGconn* conn = PQconnectStartParams(keys, values, 1);
  if (conn == nullptr) return Internal("no memory for a database connection");
  std::unique_ptr<Connection> connection(new Connection(conn));
  TRY_CONTEXT(FinishConnecting(conn, DeadlineNs(timeout_ms)), "connecting to the database");
  TRY(CheckVersion(conn));
  if (PQsetnonblocking(conn, 1) != 0) return Internal("libpq refuses the non-blocking mode");
  PQsetNoticeProcessor(
      conn, [](void*, const char*) {}, nullptr);
  return connection;
}

Connection::~Connection() {
  if (copy_piece_ != nullptr) PQfreemem(copy_piece_);
  PQfinish(conn_);
}

bool Connection::broken() const { return broken_ || PQstatus(conn_) != CONNECTION_OK; }

int Connection::server_version() const { return PQserverVersion(conn_); }

Error Connection::Break(Error error) {
  broken_ = true;
  return error;
}

Error Connection::ResultError(pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) {  // libpq's own: the connection is gone
    return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  }
  sqlstate_ = state;
  std::string text = OneLine(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
  text += " (SQLSTATE " + sqlstate_ + ")";
  if (sqlstate_ == "57014") return Timeout(std::move(text));
  return IsRetryable(sqlstate_) ? Unavailable(std::move(text)) : Internal(std::move(text));
}

Result<void> Connection::Flush(int64_t deadline_ns) {
  while (true) {
    const int left = PQflush(conn_);
    if (left == 0) return Ok();
    if (left < 0) return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
    const Ready ready = TRY(WaitFor(PQsocket(conn_), POLLIN | POLLOUT, deadline_ns));
    if (ready == Ready::kDeadline) return Break(Timeout("the database takes no more data"));
    if (ready == Ready::kRead && PQconsumeInput(conn_) == 0) {
      return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
    }
  }
}

Result<void> Connection::WaitReadable(int64_t deadline_ns) {
  if (TRY(WaitFor(PQsocket(conn_), POLLIN, deadline_ns)) == Ready::kDeadline) {
    // Without this the server would go on with a statement nobody waits for.
    if (PGcancel* cancel = PQgetCancel(conn_); cancel != nullptr) {
      char text[256];
      PQcancel(cancel, text, sizeof(text));
      PQfreeCancel(cancel);
    }
    return Break(Timeout("the database did not answer in time"));
  }
  if (PQconsumeInput(conn_) == 0) return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  return Ok();
}

Result<pg_result*> Connection::NextResult(int64_t deadline_ns) {
  while (PQisBusy(conn_) != 0) TRY(WaitReadable(deadline_ns));
  return PQgetResult(conn_);
}

Result<Rows> Connection::CollectLast(int64_t deadline_ns) {
  TRY(Flush(deadline_ns));
  Rows last;
  Result<void> outcome;
  while (pg_result* result = TRY(NextResult(deadline_ns))) {
    Rows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      if (outcome) outcome = ResultError(result);
      if (broken()) break;
    } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
      return Break(Internal("a COPY was run as an ordinary statement"));
    }
    last = std::move(rows);
  }
  if (!outcome) return std::move(outcome).error();
  return last;
}

Result<void> Connection::Execute(const std::string& sql, int64_t timeout_ms) {
  sqlstate_.clear();
  if (broken()) return Unavailable("the connection to the database is lost");
  if (PQsendQuery(conn_, sql.c_str()) == 0) {
    return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  }
  TRY(CollectLast(DeadlineNs(timeout_ms)));
  return Ok();
}

Result<Rows> Connection::Query(const std::string& sql, const Parameters& parameters,
                               int64_t timeout_ms) {
  sqlstate_.clear();
  if (broken()) return Unavailable("the connection to the database is lost");
  const Parameters::Raw raw = parameters.raw();
  if (PQsendQueryParams(conn_, sql.c_str(), static_cast<int>(raw.values.size()), raw.types.data(),
                        raw.values.data(), raw.lengths.data(), raw.formats.data(), 1) == 0) {
    return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  }
  return CollectLast(DeadlineNs(timeout_ms));
}

Result<Rows> Connection::Query(const std::string& sql, int64_t timeout_ms) {
  return Query(sql, Parameters(), timeout_ms);
}

Result<void> Connection::Prepare(const std::string& name, const std::string& sql,
                                 int64_t timeout_ms) {
  sqlstate_.clear();
  if (broken()) return Unavailable("the connection to the database is lost");
  if (PQsendPrepare(conn_, name.c_str(), sql.c_str(), 0, nullptr) == 0) {
    return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  }
  TRY(CollectLast(DeadlineNs(timeout_ms)));
  return Ok();
}

Result<std::vector<Rows>> Connection::RunPrepared(const std::vector<std::string>& names,
                                                  const Parameters& parameters,
                                                  int64_t timeout_ms) {
  sqlstate_.clear();
  if (broken()) return Unavailable("the connection to the database is lost");
  const int64_t deadline_ns = DeadlineNs(timeout_ms);
  if (PQenterPipelineMode(conn_) == 0) return Break(Internal("libpq refuses the pipeline mode"));
  const Parameters::Raw raw = parameters.raw();
  for (const std::string& name : names) {
    if (PQsendQueryPrepared(conn_, name.c_str(), static_cast<int>(raw.values.size()),
                            raw.values.data(), raw.lengths.data(), raw.formats.data(), 1) == 0) {
      return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
    }
  }
  if (PQpipelineSync(conn_) == 0) return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  TRY(Flush(deadline_ns));
  auto rows = CollectPipeline(names.size(), deadline_ns);
  if (!broken() && PQexitPipelineMode(conn_) == 0) {
    return Break(Internal("the pipeline to the database did not end"));
  }
  return rows;
}

Result<std::vector<Rows>> Connection::CollectPipeline(size_t count, int64_t deadline_ns) {
  std::vector<Rows> all;
  all.reserve(count);
  size_t nulls = 0;
  Result<void> outcome;
  while (true) {
    pg_result* result = TRY(NextResult(deadline_ns));
    // One null ends each statement's results.
    if (result == nullptr && ++nulls <= count) continue;
    if (result == nullptr) return Break(Internal("the database left out answers"));
    Rows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_TUPLES_OK) {
      all.push_back(std::move(rows));
    } else if (outcome && status != PGRES_PIPELINE_ABORTED) {
      outcome = ResultError(result);
    }
    if (broken()) break;
  }
  if (!outcome) return std::move(outcome).error();
  if (all.size() != count) return Break(Internal("the database left out answers"));
  return all;
}

Result<void> Connection::BeginCopyIn(const std::string& sql, int64_t timeout_ms) {
  sqlstate_.clear();
  if (broken()) return Unavailable("the connection to the database is lost");
  const int64_t deadline_ns = DeadlineNs(timeout_ms);
  if (PQsendQuery(conn_, sql.c_str()) == 0) {
    return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  }
  TRY(Flush(deadline_ns));
  pg_result* result = TRY(NextResult(deadline_ns));
  const Rows owner(result);
  if (PQresultStatus(result) == PGRES_COPY_IN) return Ok();
  Error error = ResultError(result);
  if (!broken()) TRY(CollectLast(deadline_ns));
  return error;
}

Result<void> Connection::PutCopyData(std::string_view bytes, int64_t timeout_ms) {
  const int64_t deadline_ns = DeadlineNs(timeout_ms);
  while (true) {
    const int put = PQputCopyData(conn_, bytes.data(), static_cast<int>(bytes.size()));
    if (put < 0) return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
    // Always: libpq would rather grow its buffer than say that the server is slower than we are.
    TRY(Flush(deadline_ns));
    if (put == 1) return Ok();
  }
}

Result<void> Connection::FinishCopyIn(int64_t timeout_ms) {
  const int64_t deadline_ns = DeadlineNs(timeout_ms);
  int put = 0;
  while ((put = PQputCopyEnd(conn_, nullptr)) == 0) TRY(Flush(deadline_ns));
  if (put < 0) return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  TRY(CollectLast(deadline_ns));
  return Ok();
}

Result<void> Connection::BeginCopyOut(const std::string& sql, int64_t timeout_ms) {
  sqlstate_.clear();
  if (broken()) return Unavailable("the connection to the database is lost");
  const int64_t deadline_ns = DeadlineNs(timeout_ms);
  if (PQsendQuery(conn_, sql.c_str()) == 0) {
    return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
  }
  TRY(Flush(deadline_ns));
  pg_result* result = TRY(NextResult(deadline_ns));
  const Rows owner(result);
  if (PQresultStatus(result) == PGRES_COPY_OUT) return Ok();
  Error error = ResultError(result);
  if (!broken()) TRY(CollectLast(deadline_ns));
  return error;
}

Result<std::string_view> Connection::NextCopyPiece(int64_t timeout_ms) {
  const int64_t deadline_ns = DeadlineNs(timeout_ms);
  if (copy_piece_ != nullptr) {
    PQfreemem(copy_piece_);
    copy_piece_ = nullptr;
  }
  while (true) {
    const int size = PQgetCopyData(conn_, &copy_piece_, 1);
    if (size > 0) return std::string_view(copy_piece_, static_cast<size_t>(size));
    if (size == -2) return Break(Unavailable(OneLine(PQerrorMessage(conn_))));
    if (size == -1) break;
    TRY(WaitReadable(deadline_ns));
  }
  TRY(CollectLast(deadline_ns));
  return std::string_view();
}

bool IsRetryable(std::string_view sqlstate) {
  // Connection trouble, rolled back for concurrency, resources, operator intervention, system
  // errors; a lock that was not to be had. Everything else fails again.
  for (const std::string_view cls : {"08", "40", "53", "57", "58"}) {
    if (sqlstate.substr(0, 2) == cls) return true;
  }
  return sqlstate == "55P03";
}

}  // namespace vigil::postgres
