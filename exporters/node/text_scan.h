// SPDX-License-Identifier: Apache-2.0
// Walking through kernel text files without copies: lines, fields, numbers.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::node {

// The lines of a text, without their ends; a last line without an end counts.
class LineScanner {
 public:
  explicit LineScanner(std::string_view text) : rest_(text) {}
  bool Next(std::string_view* line) {
    if (rest_.empty()) return false;
    const size_t end = rest_.find('\n');
    *line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

// The words of a line, separated by blanks and tabs.
class FieldScanner {
 public:
  explicit FieldScanner(std::string_view line) : rest_(line) {}
  bool Next(std::string_view* field) {
    const size_t begin = rest_.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return false;
    rest_.remove_prefix(begin);
    const size_t end = rest_.find_first_of(" \t");
    *field = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
    return true;
  }
  // The next word as a number; false when there is none or it is no number (it is consumed).
  bool NextUint(uint64_t* value);
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Decimal digits only, the whole text.
inline bool ToUint(std::string_view text, uint64_t* value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stop == end && !text.empty();
}

inline bool FieldScanner::NextUint(uint64_t* value) {
  std::string_view field;
  return Next(&field) && ToUint(field, value);
}

// Blanks and line ends off both sides.
inline std::string_view TrimLine(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// A number as label text, without a heap allocation.
class NumberText {
 public:
  explicit NumberText(uint64_t value) {
    size_ = static_cast<size_t>(std::to_chars(text_, text_ + sizeof(text_), value).ptr - text_);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): made to be passed as a label.
  operator std::string_view() const { return {text_, size_}; }

 private:
  char text_[20];
  size_t size_;
};

// A sysfs or procfs file with one number; not_found when the file is missing.
Result<uint64_t> ReadUintFile(const std::string& path);
// A short file without the blanks around its text.
Result<std::string> ReadTrimmed(const std::string& path);

}  // namespace vigil::node
