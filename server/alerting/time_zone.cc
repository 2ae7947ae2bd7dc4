// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/alerting/posix_zone_rule.h"

namespace vigil::alerting {
namespace {

constexpr size_t kTzifHeader = 44;
constexpr std::string_view kZoneFolders[] = {"/usr/share/zoneinfo/", "/usr/lib/zoneinfo/",
                                             "/etc/zoneinfo/"};

int64_t BigEndian(std::string_view bytes) {
  uint64_t value = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return static_cast<int64_t>(value);
}

// The counts of a TZif header.
struct TzifCounts {
  size_t utc_flags = 0;
  size_t std_flags = 0;
  size_t leaps = 0;
  size_t transitions = 0;
  size_t types = 0;
  size_t chars = 0;

  [[nodiscard]] size_t BodySize(size_t time_size) const {
    return transitions * (time_size + 1) + types * 6 + chars + leaps * (time_size + 4) + std_flags +
           utc_flags;
  }
};

std::optional<TzifCounts> ReadTzifHeader(std::string_view bytes) {
  if (bytes.size() < kTzifHeader || !bytes.starts_with("TZif")) return std::nullopt;
  size_t numbers[6];
  for (size_t i = 0; i < 6; ++i) {
    const int64_t number = BigEndian(bytes.substr(20 + 4 * i, 4));
    // Real files have a few hundred; the bound keeps sums from overflowing.
    if (number < 0 || number > 1'000'000) return std::nullopt;
    numbers[i] = static_cast<size_t>(number);
  }
  return TzifCounts{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
}

int64_t DivideDown(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  if (a % b < 0) --quotient;
  return quotient;
}

}  // namespace

struct TimeZone::Data {
  std::string name;
  std::vector<int64_t> transitions;   // ascending
  std::vector<int64_t> offsets;       // from the transition on
  int64_t first_offset = 0;           // before the first transition
  std::optional<PosixZoneRule> rule;  // behind the last transition
};

int DaysInMonth(int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

int64_t DaysFromCivil(int64_t year, int month, int day) {
  // Years begin in March, so that the leap day is the last: eras of 400 years repeat.
  const int64_t shifted = month <= 2 ? year - 1 : year;
  const int64_t era = DivideDown(shifted, 400);
  const int64_t year_of_era = shifted - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

CivilTime CivilFromDays(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t era = DivideDown(shifted, 146097);
  const int64_t day_of_era = shifted - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month = (5 * day_of_year + 2) / 153;
  CivilTime out;
  out.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  out.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
  out.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  return out;
}

TimeZone TimeZone::Utc() {
  auto data = std::make_shared<Data>();
  data->name = "UTC";
  return TimeZone(std::move(data));
}

Result<TimeZone> TimeZone::Parse(std::string_view bytes, const std::string& name) {
  const Error broken = BadData(fmt::format("time zone {}: not a time zone file", Quote(name)));
  std::optional<TzifCounts> counts = ReadTzifHeader(bytes);
  if (!counts) return broken;
  size_t time_size = 4;
  if (bytes[4] >= '2') {  // the same again with 64 bits follows
    const size_t first = kTzifHeader + counts->BodySize(4);
    if (first > bytes.size()) return broken;
    bytes.remove_prefix(first);
    counts = ReadTzifHeader(bytes);
    if (!counts) return broken;
    time_size = 8;
  }
  bytes.remove_prefix(kTzifHeader);
  if (counts->types == 0 || bytes.size() < counts->BodySize(time_size)) return broken;
  const std::string_view indexes = bytes.substr(counts->transitions * time_size);
  const std::string_view types = indexes.substr(counts->transitions);
  auto data = std::make_shared<Data>();
  data->name = name;
  data->first_offset = BigEndian(types.substr(0, 4));
  for (size_t i = 0; i < counts->transitions; ++i) {
    const size_t type = static_cast<unsigned char>(indexes[i]);
    if (type >= counts->types) return broken;
    data->transitions.push_back(BigEndian(bytes.substr(i * time_size, time_size)));
    data->offsets.push_back(BigEndian(types.substr(type * 6, 4)));
  }
  if (!std::is_sorted(data->transitions.begin(), data->transitions.end())) return broken;
  std::string_view footer = bytes.substr(counts->BodySize(time_size));
  if (time_size == 8 && footer.size() > 2 && footer[0] == '\n') {
    footer.remove_prefix(1);
    data->rule = ParsePosixZoneRule(footer.substr(0, footer.find('\n')));
  }
  return TimeZone(std::move(data));
}

Result<TimeZone> TimeZone::Load(const std::string& name) {
  if (name.empty() || name == "UTC") return Utc();
  if (name == "Local") {
    const char* variable = std::getenv("TZ");
    if (variable != nullptr && *variable == '\0') return Utc();
    if (variable != nullptr && *variable != ':' && *variable != '/') return Load(variable);
    Result<std::string> bytes = ReadFile("/etc/localtime");
    if (!bytes) return Utc();  // as the C library does
    return Parse(*bytes, name);
  }
  // A name is looked up below the folders only.
  if (name.find("..") == std::string::npos && name[0] != '/' && name[0] != '\\') {
    for (const std::string_view folder : kZoneFolders) {
      const std::string path = std::string(folder) + name;
      if (DirectoryExists(path)) continue;
      if (Result<std::string> bytes = ReadFile(path)) return Parse(*bytes, name);
    }
  }
  return NotFound(
      fmt::format("unknown time zone {}: use a name of the system's time zone "
                  "database, such as Europe/Berlin (package tzdata)",
                  name));
}

const std::string& TimeZone::name() const { return data_->name; }

int64_t TimeZone::OffsetAt(int64_t unix_seconds) const {
  const std::vector<int64_t>& transitions = data_->transitions;
  if (data_->rule && (transitions.empty() || unix_seconds >= transitions.back())) {
    return data_->rule->OffsetAt(unix_seconds);
  }
  const auto after = std::upper_bound(transitions.begin(), transitions.end(), unix_seconds);
  if (after == transitions.begin()) return data_->first_offset;
  return data_->offsets[static_cast<size_t>(after - transitions.begin()) - 1];
}

CivilTime TimeZone::At(TimestampMs time) const {
  const int64_t utc = DivideDown(time, 1000);
  const int64_t local = utc + OffsetAt(utc);
  const int64_t days = DivideDown(local, 86400);
  CivilTime out = CivilFromDays(days);
  out.minute_of_day = static_cast<int>((local - days * 86400) / 60);
  return out;
}

}  // namespace vigil::alerting
