// SPDX-License-Identifier: Apache-2.0
#include "server/web/query_log.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "client-lib/model/duration.h"
#include "server/web/query_api.h"

namespace vigil::web {

Result<void> QueryLog::Open(const std::string& path) {
  File file;
  if (!path.empty()) {
    std::FILE* opened = std::fopen(path.c_str(), "ae");
    if (opened == nullptr) {
      return Internal("cannot write the query log " + path + ": " + std::strerror(errno));
    }
    file = File(opened, Close());
  }
  file_.Set(std::move(file));
  return Ok();
}

void QueryLog::Write(const LoggedQuery& entry) {
  const File file = file_.Copy();
  if (file == nullptr) return;
  std::string line;
  JsonWriter json(&line);
  json.BeginObject();
  json.Field("time", FormatRfc3339(clock_.Now())).Field("level", "INFO");
  json.Field("msg", "promql query logged");
  json.Key("params").BeginObject();
  json.Field("end", FormatRfc3339(entry.query.end)).Field("query", entry.query.text);
  json.Field("start", FormatRfc3339(entry.query.start));
  json.Key("step").Int(entry.query.step_ms / 1000).EndObject();
  if (!entry.error.empty()) json.Field("error", entry.error);
  WriteStats(entry.stats, false, json);
  json.Key("httpRequest").BeginObject();
  json.Field("clientIP", entry.http.remote_address).Field("method", entry.http.method);
  json.Field("path", entry.http.path).EndObject();
  json.EndObject();
  line += '\n';
  // One call per line: lines of several queries do not mix.
  const bool written = std::fwrite(line.data(), 1, line.size(), file.get()) == line.size();
  if (std::fflush(file.get()) != 0 || !written) ++failures_;
}

}  // namespace vigil::web
