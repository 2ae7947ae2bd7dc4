// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/alert.h"

#include <fmt/format.h>

#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/model/annotations.h"

namespace vigil::alerting {
namespace {

constexpr uint64_t kFnvBasis = 14695981039346656037ULL;

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
  std::vector<std::string> texts;
  texts.reserve(2 * labels->size());
  std::vector<LabelView> pairs;
  for (const LabelView label : *labels) {
    const std::string& name = texts.emplace_back(ReplaceNuls(label.name));
    pairs.push_back({name, texts.emplace_back(ReplaceNuls(label.value))});
  }
  *labels = MakeAnnotations(std::move(pairs));  // labels have no empty values
}

bool Overlap(const AlertTimes& old, const AlertTimes& fresh) {
  return (fresh.ends_at > old.starts_at && fresh.ends_at < old.ends_at) ||
         (fresh.starts_at > old.starts_at && fresh.starts_at < old.ends_at);
}

}  // namespace

uint64_t Fingerprint(const Labels& labels) {
  uint64_t hash = kFnvBasis;
  for (const LabelView label : labels) hash = AddFnv(AddFnv(hash, label.name), label.value);
  return hash;
}

uint64_t Fingerprint(std::span<const LabelView> labels) {
  uint64_t hash = kFnvBasis;
  for (const LabelView& label : labels) hash = AddFnv(AddFnv(hash, label.name), label.value);
  return hash;
}

PostedAlert AlertReport::Copy() const {
  return {Labels::FromSorted(labels), Labels::FromSorted(annotations), starts_at, ends_at,
          std::string(generator_url)};
}

Error EndsBeforeItStarts() { return BadData("start time must be before end time"); }

std::string FingerprintText(uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

bool SetTimes(std::optional<TimestampMs> starts_at, std::optional<TimestampMs> ends_at,
              TimestampMs now, DurationMs resolve_timeout, AlertTimes* times) {
  times->updated_at = now;
  times->starts_at = starts_at ? *starts_at : ends_at.value_or(now);
  times->timeout = !ends_at;
  times->ends_at = ends_at.value_or(now + resolve_timeout);
  return times->ends_at >= times->starts_at;
}

Result<void> AcceptContent(LabelNames names, Alert* alert) {
  if (alert->labels.empty()) return BadData("at least one label pair required");
  TRY(CheckPairs(alert->labels, names, "invalid label set"));
  TRY(CheckPairs(alert->annotations, names, "invalid annotations"));
  MendNuls(&alert->labels);
  MendNuls(&alert->annotations);
  return Ok();
}

Result<Alert> AcceptAlert(const PostedAlert& posted, TimestampMs now, DurationMs resolve_timeout,
                          LabelNames names) {
  Alert alert;
  alert.labels = posted.labels;
  alert.annotations = posted.annotations;
  alert.generator_url = posted.generator_url;
  if (!SetTimes(posted.starts_at, posted.ends_at, now, resolve_timeout, &alert)) {
    return EndsBeforeItStarts();
  }
  TRY(AcceptContent(names, &alert));
  alert.fingerprint = Fingerprint(alert.labels);
  return alert;
}

bool SamePairs(const Labels& labels, std::span<const LabelView> pairs) {
  return labels.size() == pairs.size() && std::equal(pairs.begin(), pairs.end(), labels.begin());
}

AlertTimes MergeTimes(const AlertTimes& old, AlertTimes fresh, TimestampMs now) {
  if (!Overlap(old, fresh)) return fresh;
  fresh.starts_at = std::min(fresh.starts_at, old.starts_at);
  if (fresh.ResolvedAt(now)) {
    if (old.ResolvedAt(now)) fresh.ends_at = std::max(fresh.ends_at, old.ends_at);
  } else if (!old.timeout) {
    // An end that was stated goes before one that was guessed.
    fresh.ends_at = std::max(fresh.ends_at, old.ends_at);
  }
  return fresh;
}

Alert MergeReports(const Alert& old, Alert fresh, TimestampMs now) {
  if (fresh.updated_at < old.updated_at && Overlap(old, fresh)) {
    Alert older = std::move(fresh);
    return MergeReports(older, old, now);
  }
  static_cast<AlertTimes&>(fresh) = MergeTimes(old, fresh, now);
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
