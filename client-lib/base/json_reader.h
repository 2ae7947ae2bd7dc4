// SPDX-License-Identifier: Apache-2.0
// Reads JSON front to back without building a document: the caller says what it takes next. Errors
// are in the words of Go's decoder, which clients of upstream know.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace vigil {

// Invalid UTF-8 and lone surrogates become U+FFFD, as in Go. What follows the first value is not
// looked at. After an error nothing more comes.
// Threads: owner thread only.
class JsonReader {
 public:
  enum class Kind { kError, kObject, kArray, kString, kNumber, kBool, kNull };

  // The text must outlive the reader.
  explicit JsonReader(std::string_view text) : text_(text) {}

  // Skips blanks and says what comes.
  Kind Peek();
  // REQUIRES: Peek() said kObject or kArray.
  void Enter();
  // The next member of the object: its value must be read or skipped next. False at its end, which
  // is then behind the reader, and after an error.
  bool NextKey(std::string_view* key);
  // The same for arrays.
  bool NextElement();
  // REQUIRES: Peek() said kString. Valid as long as reader and text.
  std::string_view String();
  // REQUIRES: Peek() said kBool.
  bool Bool();
  // As it stands there. REQUIRES: Peek() said kNumber.
  std::string_view Number();
  // Strings handed out so far may end with this: a reader of much text needs no more memory.
  void ForgetStrings() { decoded_.clear(); }
  // Any value, and what is in it.
  void Skip();
  // Only blanks are left.
  bool AtEnd();

  // What keeps the views of strings alive that do not stand in the text as they are.
  std::deque<std::string> TakeDecoded() { return std::move(decoded_); }

  [[nodiscard]] bool failed() const { return !error_.empty(); }
  // `invalid character 'x' looking for beginning of value`, `unexpected EOF`
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  static constexpr size_t kMaxDepth = 10'000;

  void SkipBlanks();
  void Fail(std::string_view where);
  bool Separator(char close, std::string_view where);
  void SkipLiteral(std::string_view word);
  void SkipNumber();
  bool SkipDigits(std::string_view where);
  size_t PlainEnd(size_t from) const;
  std::string_view Decode(size_t begin);
  void Escape(std::string* out);
  unsigned HexDigits();

  std::string_view text_;
  size_t at_ = 0;
  bool first_ = false;  // nothing of the innermost container was read
  std::string error_;
  std::deque<std::string> decoded_;
};

}  // namespace vigil
