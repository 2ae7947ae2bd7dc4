// SPDX-License-Identifier: Apache-2.0
// The log's lines are laid out here; spdlog carries them to stderr, one write each.
#include "client-lib/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <charconv>
#include <memory>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"

namespace vigil::log {
namespace {

std::atomic<Level> g_level{Level::kInfo};
std::atomic<bool> g_json{false};

// Never destroyed: threads may log while the process ends.
spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto* made = new spdlog::logger("vigil", std::move(sink));
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "error";
}

void AppendTime(std::string* line) {
  const TimestampMs now = Clock::System().Now();
  fmt::format_to(std::back_inserter(*line), "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                 fmt::gmtime(static_cast<std::time_t>(now / 1000)), now % 1000);
}

// As Go's slog text handler decides: quotes only where a reader could go wrong.
bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '"' || c == '=') return true;
  }
  return false;
}

void AppendLogfmt(std::string_view key, std::string_view value, std::string* line) {
  if (!line->empty()) *line += ' ';
  line->append(key).append("=");
  if (NeedsQuotes(value)) {
    *line += Quote(value);
  } else {
    *line += value;
  }
}

void AppendJsonString(std::string_view text, std::string* line) {
  *line += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *line += '\\';
      *line += c;
    } else if (c == '\n') {
      *line += "\\n";
    } else if (c == '\t') {
      *line += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(*line), "\\u{:04x}", byte);
    } else {
      *line += c;
    }
  }
  *line += '"';
}

void AppendJson(std::string_view key, std::string_view value, std::string* line) {
  *line += line->empty() ? '{' : ',';
  AppendJsonString(key, line);
  *line += ':';
  // A foreign byte would make the whole line unreadable to a JSON parser.
  if (IsValidUtf8(value)) {
    AppendJsonString(value, line);
  } else {
    AppendJsonString(Quote(value), line);
  }
}

}  // namespace

Field::Field(std::string_view k, double v) : key(k) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, v).ptr;
  value.assign(text, end);
}

Result<void> Configure(std::string_view level, std::string_view format) {
  Level chosen = Level::kInfo;
  if (level == "debug") {
    chosen = Level::kDebug;
  } else if (level == "warn") {
    chosen = Level::kWarn;
  } else if (level == "error") {
    chosen = Level::kError;
  } else if (level != "info") {
    return BadData(
        fmt::format("unknown log level {}: use debug, info, warn or error", Quote(level)));
  }
  if (format != "logfmt" && format != "json") {
    return BadData(fmt::format("unknown log format {}: use logfmt or json", Quote(format)));
  }
  g_level = chosen;
  g_json = format == "json";
  return Ok();
}

bool Enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void Write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields) {
  if (!Enabled(level)) return;
  const bool json = g_json.load(std::memory_order_relaxed);
  const auto append = json ? AppendJson : AppendLogfmt;
  std::string time;
  AppendTime(&time);
  std::string line;
  append("ts", time, &line);
  append("level", LevelName(level), &line);
  append("component", component, &line);
  append("msg", message, &line);
  for (const Field& field : fields) append(field.key, field.value, &line);
  if (json) line += '}';
  Logger().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace vigil::log
