// SPDX-License-Identifier: Apache-2.0
// Reads TZif (RFC 8536): the 64-bit table and the footer's rule.
#include "client-lib/base/time_zone.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"

namespace vigil {
namespace {

constexpr std::string_view kZoneFolders[] = {"/usr/share/zoneinfo/", "/usr/lib/zoneinfo/",
                                             "/etc/zoneinfo/"};
constexpr std::string_view kLocalFile = "/etc/localtime";
constexpr size_t kTzifHeader = 44;

int64_t BigEndian(std::string_view bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return width == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

struct TzifCounts {
  size_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, chars = 0;

  [[nodiscard]] size_t BodySize(size_t width) const {
    return times * width + times + types * 6 + chars + leaps * (width + 4) + standard_flags +
           utc_flags;
  }
};

bool ReadTzifCounts(std::string_view bytes, TzifCounts* counts) {
  if (bytes.size() < kTzifHeader || !bytes.starts_with("TZif")) return false;
  const auto count = [&](size_t i) { return static_cast<size_t>(BigEndian(bytes, 20 + 4 * i, 4)); };
  *counts = {count(0), count(1), count(2), count(3), count(4), count(5)};
  const auto sane = [](size_t n) { return n < 100'000; };
  return sane(counts->utc_flags) && sane(counts->standard_flags) && sane(counts->leaps) &&
         sane(counts->times) && sane(counts->types) && sane(counts->chars) && counts->types > 0;
}

}  // namespace

Result<std::shared_ptr<const TimeZone>> TimeZone::Load(std::string_view name) {
  if (name.empty() || name == "UTC") return Fixed(0, "UTC");
  const Error unknown = NotFound("unknown time zone " + std::string(name));
  // No way out of the directory.
  if (name.find("..") != std::string_view::npos || name[0] == '/' || name[0] == '\\')
    return unknown;
  if (name.find('\0') != std::string_view::npos) return unknown;
  for (const std::string_view folder : kZoneFolders) {
    const std::string path = std::string(folder).append(name);
    if (DirectoryExists(path)) continue;
    const Result<std::string> bytes = ReadFile(path);
    if (!bytes) continue;
    Result<std::shared_ptr<const TimeZone>> zone = Parse(name, *bytes);
    if (zone) return zone;
  }
  return unknown;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::Local() { return LocalOf(std::getenv("TZ")); }

Result<std::shared_ptr<const TimeZone>> TimeZone::LocalOf(const char* variable) {
  std::string_view name = variable == nullptr ? kLocalFile : std::string_view(variable);
  if (name.starts_with(':')) name.remove_prefix(1);
  Result<std::shared_ptr<const TimeZone>> zone = Utc();
  if (name.starts_with('/')) {
    const Result<std::string> bytes = ReadFile(std::string(name));
    if (bytes) zone = Parse(name == kLocalFile ? "Local" : name, *bytes);
  } else {
    zone = Load(name);
  }
  if (!zone) return Utc();
  return zone;
}

std::shared_ptr<const TimeZone> TimeZone::Fixed(int32_t seconds, std::string name) {
  auto zone = std::shared_ptr<TimeZone>(new TimeZone(name));
  zone->offsets_.push_back({seconds, std::move(name)});
  return zone;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::Parse(std::string_view name,
                                                        std::string_view bytes) {
  auto zone = std::shared_ptr<TimeZone>(new TimeZone(std::string(name)));
  if (!zone->ReadTable(bytes)) {
    return BadData("the time zone file of " + Quote(name) +
                   " is damaged; install the package tzdata again");
  }
  return std::shared_ptr<const TimeZone>(std::move(zone));
}

bool TimeZone::ReadTable(std::string_view bytes) {
  TzifCounts counts;
  if (!ReadTzifCounts(bytes, &counts)) return false;
  size_t width = 4;
  const bool wide = bytes[4] >= '2';
  if (wide) {
    // The first table has 32 bits and is for old readers.
    const size_t first = kTzifHeader + counts.BodySize(4);
    if (bytes.size() < first) return false;
    bytes.remove_prefix(first);
    width = 8;
    if (!ReadTzifCounts(bytes, &counts)) return false;
  }
  bytes.remove_prefix(kTzifHeader);
  if (bytes.size() < counts.BodySize(width)) return false;
  const size_t indices = counts.times * width;
  const size_t types = indices + counts.times;
  const size_t chars = types + counts.types * 6;
  for (size_t i = 0; i < counts.types; ++i) {
    const size_t at = types + i * 6;
    const auto name_at = static_cast<unsigned char>(bytes[at + 5]);
    if (name_at >= counts.chars) return false;
    const std::string_view names = bytes.substr(chars, counts.chars);
    const size_t end = std::min(names.find('\0', name_at), names.size());
    offsets_.push_back({static_cast<int32_t>(BigEndian(bytes, at, 4)),
                        std::string(names.substr(name_at, end - name_at))});
  }
  for (size_t i = 0; i < counts.times; ++i) {
    const auto zone = static_cast<unsigned char>(bytes[indices + i]);
    if (zone >= offsets_.size()) return false;
    transitions_.push_back({BigEndian(bytes, i * width, width), zone});
    if (i > 0 && transitions_[i - 1].at > transitions_[i].at) return false;
  }
  if (!wide) return true;
  std::string_view footer = bytes.substr(counts.BodySize(width));
  if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return true;
  footer = footer.substr(1, footer.size() - 2);
  if (footer.empty()) return true;
  rule_ = ParsePosixZoneRule(footer);
  return rule_.has_value();
}

ZoneOffset TimeZone::At(int64_t unix_seconds) const {
  const auto next = std::upper_bound(
      transitions_.begin(), transitions_.end(), unix_seconds,
      [](int64_t moment, const Transition& transition) { return moment < transition.at; });
  if (next == transitions_.end() && rule_) {
    const bool summer = rule_->IsSummerAt(unix_seconds);
    return {static_cast<int32_t>(rule_->OffsetAt(unix_seconds)),
            summer ? rule_->summer_name : rule_->standard_name};
  }
  if (next == transitions_.begin()) return offsets_.front();
  return offsets_[std::prev(next)->zone];
}

int64_t TimeZone::FromWallClock(int64_t wall_seconds) const {
  const int64_t guess = wall_seconds - At(wall_seconds).seconds;
  const int64_t second = wall_seconds - At(guess).seconds;
  // Around a change the two differ; the second is right on at least one side of it.
  return At(second).seconds == At(guess).seconds ? second : guess;
}

}  // namespace vigil
