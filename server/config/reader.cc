// SPDX-License-Identifier: Apache-2.0
#include "server/config/reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace vigil::config {
namespace {

// Levenshtein distance; keys are short.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

Error Reader::Fail(const YamlNode& node, std::string_view what) const {
  return BadData(fmt::format("{}: {}", At(filename_, node.position), what));
}

Error Reader::FailHere(const YamlNode& node, std::string_view what) const {
  return Fail(node, fmt::format("{}: {}", Where(), what));
}

void Reader::Warn(const YamlNode& node, std::string_view what) {
  warnings_.push_back(fmt::format("{}: {}", At(filename_, node.position), what));
}

std::string Reader::Where() const { return path_.empty() ? "the configuration" : path_; }

Reader::Scope::Scope(Reader* reader, std::string_view key)
    : reader_(reader), size_(reader->path_.size()) {
  if (size_ != 0) reader_->path_ += '.';
  reader_->path_ += key;
}

Reader::Scope::Scope(Reader* reader, size_t index) : reader_(reader), size_(reader->path_.size()) {
  reader_->path_ += fmt::format("[{}]", index);
}

std::string DidYouMean(std::string_view name, std::span<const std::string_view> known) {
  // A third of the letters wrong is no typing error any more; huge names are none either.
  if (name.size() > 64) return {};
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  std::string_view match;
  for (std::string_view candidate : known) {
    size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      match = candidate;
    }
  }
  return match.empty() ? std::string() : fmt::format(": did you mean \"{}\"?", match);
}

bool IsSet(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return false;
    case YamlNode::Kind::kScalar:
      return !(node.text.empty() || node.text == "false" || node.text == "0" || node.text == "0s");
    case YamlNode::Kind::kList:
      return !node.items.empty();
    case YamlNode::Kind::kMap:
      return std::any_of(node.entries.begin(), node.entries.end(),
                         [](const auto& entry) { return IsSet(*entry.second); });
  }
  return true;
}

Result<void> ExpectMap(const Reader& reader, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kMap) return Ok();
  return reader.FailHere(node, "expected a mapping of keys to values");
}

Error UnknownField(const Reader& reader, const YamlNode& key,
                   std::span<const std::string_view> known) {
  return reader.Fail(key, fmt::format("unknown field \"{}\" in {}{}", key.text, reader.Where(),
                                      DidYouMean(key.text, known)));
}

const YamlNode* FindKey(const YamlNode& map, std::string_view key) {
  for (const auto& [name, value] : map.entries) {
    if (name->text == key) return name.get();
  }
  return nullptr;
}

const YamlNode* Find(const YamlNode& map, std::string_view key) {
  for (const auto& [name, value] : map.entries) {
    if (name->text == key) return value.get();
  }
  return nullptr;
}

}  // namespace vigil::config
