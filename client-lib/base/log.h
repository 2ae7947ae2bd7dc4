// SPDX-License-Identifier: Apache-2.0
// Structured logging to stderr in logfmt or JSON:
//   ts=2026-01-02T03:04:05.678Z level=info component=scrape msg="target is down" url=...
// One process, one log: main sets level and format once; until then it is info and logfmt.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::log {

enum class Level { kDebug, kInfo, kWarn, kError };

// A key of the line with its value as text.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, double v);
  Field(std::string_view k, int64_t v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, uint64_t v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, int v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  Field(std::string_view k, const Error& e) : key(k), value(e.message) {}

  std::string_view key;
  std::string value;
};

// level: debug|info|warn|error, format: logfmt|json; bad_data otherwise.
Result<void> Configure(std::string_view level, std::string_view format);

[[nodiscard]] bool Enabled(Level level);

// Threads: any. One write per line.
void Write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields = {});

inline void Debug(std::string_view component, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, component, message, fields);
}
inline void Info(std::string_view component, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, component, message, fields);
}
inline void Warn(std::string_view component, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
  Write(Level::kWarn, component, message, fields);
}
inline void Error(std::string_view component, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  Write(Level::kError, component, message, fields);
}

}  // namespace vigil::log
