// SPDX-License-Identifier: Apache-2.0
// Characters of UTF-8 as Go sees them: a byte that is none counts as U+FFFD of one byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vigil::tmpl {

inline constexpr char32_t kBadRune = 0xfffd;

struct Rune {
  char32_t code = kBadRune;
  size_t size = 1;
};

// The first character. REQUIRES: !text.empty()
Rune DecodeRune(std::string_view text);
// Surrogates and what is beyond U+10FFFF become U+FFFD.
void AppendRune(char32_t rune, std::string* out);
size_t CountRunes(std::string_view text);

bool IsSpaceRune(char32_t rune);   // unicode.IsSpace
bool IsLetterRune(char32_t rune);  // unicode.IsLetter
bool IsDigitRune(char32_t rune);   // unicode.IsDigit
bool IsPrintRune(char32_t rune);   // unicode.IsPrint
char32_t UpperRune(char32_t rune);
char32_t LowerRune(char32_t rune);

std::string ToUpperText(std::string_view text);  // strings.ToUpper
std::string ToLowerText(std::string_view text);
std::string TrimSpaceText(std::string_view text);  // strings.TrimSpace
// strconv.Quote; ascii_only: strconv.QuoteToASCII.
std::string QuoteText(std::string_view text, bool ascii_only = false);
// strconv.QuoteRune
std::string QuoteRuneText(char32_t rune, bool ascii_only = false);
// "U+0041 'A'", as %#U
std::string ShowRune(char32_t rune);

// What stands behind a backslash in Go's quotes. `text` begins behind the backslash; what was read
// is cut off. False when it is no escape. A byte (\xff, \377) is appended as it is.
bool AppendUnescaped(std::string_view* text, char quote, std::string* out);
// "..." with its quotes, or `...`. False when it is no literal.
bool Unquote(std::string_view literal, std::string* out);

}  // namespace vigil::tmpl
