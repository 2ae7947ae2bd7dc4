// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/alert.h"

#include <fmt/format.h>

#include <algorithm>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

uint64_t AddFnv(uint64_t hash, std::string_view text) {
  constexpr uint64_t kPrime = 1099511628211ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return (hash ^ 0xff) * kPrime;
}

Result<void> CheckPairs(const Labels& labels, LabelNames names, std::string_view what) {
  for (const LabelView label : labels) {
    if (!(names == LabelNames::kUtf8 ? IsUtf8Name(label.name) : IsLegacyLabelName(label.name))) {
      return BadData(fmt::format("{}: invalid name {}", what, Quote(label.name)));
    }
    if (!IsValidUtf8(label.value)) {
      return BadData(fmt::format("{}: invalid value {}", what, Quote(label.value)));
    }
  }
  return Ok();
}

std::string ReplaceNuls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0') {
      out += "\xef\xbf\xbd";
    } else {
      out += c;
    }
  }
  return out;
}

// The database takes no NUL: the alert is the same in memory and there.
void MendNuls(Labels* labels) {
  const bool clean = std::all_of(labels->begin(), labels->end(), [](LabelView label) {
    return label.name.find('\0') == std::string_view::npos &&
           label.value.find('\0') == std::string_view::npos;
  });
  if (clean) return;
  LabelsBuilder builder;
  for (const LabelView label : *labels) {
    builder.Set(ReplaceNuls(label.name), ReplaceNuls(label.value));
  }
  *labels = builder.Build();
}

}  // namespace

uint64_t Fingerprint(const Labels& labels) {
  uint64_t hash = 14695981039346656037ULL;
  for (const LabelView label : labels) hash = AddFnv(AddFnv(hash, label.name), label.value);
  return hash;
}

std::string FingerprintText(uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

Result<Alert> AcceptAlert(const PostedAlert& posted, TimestampMs now, DurationMs resolve_timeout,
                          LabelNames names) {
  Alert alert;
  alert.labels = posted.labels;
  alert.annotations = posted.annotations;
  alert.generator_url = posted.generator_url;
  alert.updated_at = now;
  alert.starts_at = posted.starts_at ? *posted.starts_at : posted.ends_at.value_or(now);
  alert.timeout = !posted.ends_at;
  alert.ends_at = posted.ends_at.value_or(now + resolve_timeout);
  if (alert.ends_at < alert.starts_at) return BadData("start time must be before end time");
  if (alert.labels.empty()) return BadData("at least one label pair required");
  TRY(CheckPairs(alert.labels, names, "invalid label set"));
  TRY(CheckPairs(alert.annotations, names, "invalid annotations"));
  MendNuls(&alert.labels);
  MendNuls(&alert.annotations);
  alert.fingerprint = Fingerprint(alert.labels);
  return alert;
}

Alert MergeReports(const Alert& old, Alert fresh, TimestampMs now) {
  const bool ends_within = fresh.ends_at > old.starts_at && fresh.ends_at < old.ends_at;
  const bool starts_within = fresh.starts_at > old.starts_at && fresh.starts_at < old.ends_at;
  if (!ends_within && !starts_within) return fresh;
  if (fresh.updated_at < old.updated_at) {
    Alert older = std::move(fresh);
    return MergeReports(older, old, now);
  }
  fresh.starts_at = std::min(fresh.starts_at, old.starts_at);
  if (fresh.ResolvedAt(now)) {
    if (old.ResolvedAt(now)) fresh.ends_at = std::max(fresh.ends_at, old.ends_at);
  } else if (!old.timeout) {
    // An end that was stated goes before one that was guessed.
    fresh.ends_at = std::max(fresh.ends_at, old.ends_at);
  }
  return fresh;
}

bool LabelsBefore(const Labels& a, const Labels& b) {
  if (a.size() != b.size()) return a.size() < b.size();
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name) return b[i].name < a[i].name;
    if (a[i].value != b[i].value) return a[i].value < b[i].value;
  }
  return false;
}

bool NotificationOrder(const Alert& a, const Alert& b) {
  for (const std::string_view name : {"job", "instance"}) {
    const std::string_view left = a.labels.Get(name);
    const std::string_view right = b.labels.Get(name);
    if (left == right) continue;
    if (left.empty()) return false;
    if (right.empty()) return true;
    return left < right;
  }
  return LabelsBefore(a.labels, b.labels);
}

}  // namespace vigil::alerting
