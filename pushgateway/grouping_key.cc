// SPDX-License-Identifier: Apache-2.0
// Reading of grouping keys out of paths.
#include "pushgateway/grouping_key.h"

#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/model/labels.h"

namespace vigil::pushgateway {
namespace {

constexpr std::string_view kBase64Suffix = "@base64";

// Cuts "@base64" off the name; true when it was there.
bool CutBase64Suffix(std::string* name) {
  if (!name->ends_with(kBase64Suffix)) return false;
  name->resize(name->size() - kBase64Suffix.size());
  return true;
}

// The padding is optional, so a lone "=" is an empty value: the only way to write one in a path.
Result<std::string> DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.empty()) return std::string();
  return Base64Decode(text);
}

Result<std::string> DecodeValue(const std::string& name, const std::string& value, bool base64) {
  if (value.empty()) {
    return BadData("empty value of label \"" + name + "\": write " + name + "@base64/= for it");
  }
  if (!base64) return value;
  auto decoded = DecodeBase64(value);
  if (decoded) return decoded;
  return std::move(decoded).error().Prefixed("invalid base64 encoding for label " + name + "=" +
                                             Quote(value));
}

}  // namespace

const std::string* GroupingKey::Find(std::string_view name) const {
  const auto found = std::ranges::find(labels_, name, &std::pair<std::string, std::string>::first);
  return found == labels_.end() ? nullptr : &found->second;
}

Result<void> GroupingKey::Set(std::string name, std::string value) {
  if (!IsLegacyLabelName(name) || name.starts_with("__")) {
    return BadData("improper label name " + Quote(name));
  }
  if (!IsValidUtf8(value)) return BadData("value of label " + Quote(name) + " is not valid UTF-8");
  if (value.find('\0') != std::string::npos) {
    // No reader of the text format takes one, so the whole page would be lost.
    return BadData("value of label " + Quote(name) + " has a zero byte");
  }
  const auto found = std::ranges::find(labels_, name, &std::pair<std::string, std::string>::first);
  if (found != labels_.end()) {
    found->second = std::move(value);
  } else {
    labels_.emplace_back(std::move(name), std::move(value));
  }
  return Ok();
}

void GroupingKey::BuildText() {
  std::ranges::sort(labels_);
  for (const auto& [name, value] : labels_) {
    text_ += name;
    text_ += '\xff';
    text_ += value;
    text_ += '\xff';
  }
}

bool KeyTextLess::operator()(std::string_view a, std::string_view b) const {
  // The separator 0xff becomes 0, the lowest byte.
  const auto rank = [](char c) { return static_cast<unsigned char>(c + 1); };
  return std::ranges::lexicographical_compare(a, b, {}, rank, rank);
}

Result<GroupingKey> GroupingKey::Parse(std::string_view raw_path) {
  if (raw_path.ends_with('/')) raw_path.remove_suffix(1);
  std::vector<std::string> segments;
  for (const std::string_view segment : Split(raw_path, '/')) {
    segments.push_back(TRY(PercentDecode(segment, /*plus_is_space=*/false)));
  }
  const bool base64_job = CutBase64Suffix(&segments[0]);
  if (segments.size() < 2 || segments[0] != "job") {
    return NotFound("no such path: push to /metrics/job/JOB{/LABEL/VALUE}");
  }
  if (segments.size() % 2 != 0) {
    return BadData("odd number of components in label string " +
                   Quote("/" + Join({segments.begin() + 2, segments.end()}, "/")));
  }
  std::string job = segments[1];
  if (base64_job) {
    auto decoded = DecodeBase64(job);
    if (!decoded) {
      return std::move(decoded).error().Prefixed("invalid base64 encoding in job name " +
                                                 Quote(job));
    }
    job = *std::move(decoded);
  }
  if (job.empty()) return BadData("job name is required");
  GroupingKey key;
  for (size_t i = 2; i < segments.size(); i += 2) {
    const bool base64 = CutBase64Suffix(&segments[i]);
    std::string value = TRY(DecodeValue(segments[i], segments[i + 1], base64));
    // The job in front is the job, whatever comes behind.
    if (segments[i] != "job") TRY(key.Set(std::move(segments[i]), std::move(value)));
  }
  TRY(key.Set("job", std::move(job)));
  key.BuildText();
  return key;
}

}  // namespace vigil::pushgateway
