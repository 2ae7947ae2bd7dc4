// SPDX-License-Identifier: Apache-2.0
#include "server/notify/mail_text.h"

#include <algorithm>

#include "server/template/rune.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxMailLine = 76;
constexpr size_t kMaxEncodedWord = 75;
// Lines are broken in front of blanks, and RFC 5322 allows 998 characters: where there are more
// blanks or more letters in a row than this, the text is encoded, which can be broken anywhere.
constexpr size_t kMaxPlainRun = 450;
constexpr std::string_view kWordStart = "=?utf-8?q?";
constexpr std::string_view kWordEnd = "?=";

void AppendEscaped(char c, std::string* out) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  *out += '=';
  *out += kDigits[byte >> 4];
  *out += kDigits[byte & 15];
}

bool IsMailAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void AppendWordByte(char c, HeaderPlace place, std::string* out) {
  const bool plain = place == HeaderPlace::kPhrase
                         ? IsMailAlnum(c) || (c != '\0' && std::string_view("!*+-/").find(c) !=
                                                               std::string_view::npos)
                         : c > ' ' && c <= '~' && c != '=' && c != '?' && c != '_';
  if (c == ' ') {
    *out += '_';
  } else if (plain) {
    *out += c;
  } else {
    AppendEscaped(c, out);
  }
}

bool IsPlainHeader(std::string_view text) {
  size_t run = 0;
  bool in_blanks = false;
  for (const char c : text) {
    if ((c < ' ' && c != '\t') || c > '~') return false;
    const bool blank = c == ' ' || c == '\t';
    run = blank == in_blanks ? run + 1 : 1;
    in_blanks = blank;
    if (run > kMaxPlainRun) return false;
  }
  return true;
}

// One line of a body, without its end.
void AppendLine(std::string_view line, std::string* out) {
  size_t column = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool blank = c == ' ' || c == '\t';
    const bool plain = blank ? !last : c > ' ' && c <= '~' && c != '=';
    const size_t width = plain ? 1 : 3;
    if (column + width > kMaxMailLine - 1) {
      *out += "=\r\n";
      column = 0;
    }
    if (plain) {
      *out += c;
    } else {
      AppendEscaped(c, out);
    }
    column += width;
  }
}

}  // namespace

std::string QuotedPrintable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  while (!text.empty()) {
    const size_t end = text.find_first_of("\r\n");
    AppendLine(text.substr(0, end), &out);
    if (end == std::string_view::npos) break;
    out += "\r\n";
    const bool both = text.substr(end).starts_with("\r\n");
    text.remove_prefix(end + (both ? 2 : 1));
  }
  return out;
}

std::string EncodedHeader(std::string_view text, HeaderPlace place) {
  if (IsPlainHeader(text)) return std::string(text);
  std::string out(kWordStart);
  size_t word = kWordStart.size();
  while (!text.empty()) {
    // A character is never split between words.
    const size_t size = tmpl::DecodeRune(text).size;
    std::string piece;
    for (const char c : text.substr(0, size)) AppendWordByte(c, place, &piece);
    text.remove_prefix(size);
    if (word + piece.size() + kWordEnd.size() > kMaxEncodedWord) {
      out.append(kWordEnd).append(" ").append(kWordStart);
      word = kWordStart.size();
    }
    out += piece;
    word += piece.size();
  }
  return out.append(kWordEnd);
}

std::string FoldedHeader(std::string_view name, std::string_view value) {
  std::string out(name);
  out += ':';
  size_t column = out.size();
  while (!value.empty()) {
    // A blank and the word behind it.
    size_t end = value.find_first_not_of(" \t");
    if (end == std::string_view::npos) break;  // a line of blanks is none
    end = std::min(value.find_first_of(" \t", end), value.size());
    std::string_view word = value.substr(0, end);
    const bool has_blank = word.front() == ' ' || word.front() == '\t';
    const bool first = column == name.size() + 1;
    if (!first && has_blank && column + word.size() > kMaxMailLine) {
      out += "\r\n";
      column = 0;
    }
    if (!has_blank) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    value.remove_prefix(end);
  }
  return out + "\r\n";
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

}  // namespace vigil::notify
