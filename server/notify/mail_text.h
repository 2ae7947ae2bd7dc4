// SPDX-License-Identifier: Apache-2.0
// Text in the seven bits of mail: RFC 2045 for bodies, RFC 2047 for headers.
#pragma once

#include <string>
#include <string_view>

namespace vigil::notify {

// Lines of at most 76 characters that end in CR LF; line ends of the text (LF, CR LF, CR) stay line
// ends.
std::string QuotedPrintable(std::string_view text);

// Where an encoded word stands decides what it must not contain.
enum class HeaderPlace { kText, kPhrase };

// The text as it is when it is printable ASCII, else in encoded words (=?utf-8?q?...?=) of at most
// 75 characters each, a blank between them. Words that are encoded already stay. The result has no
// line ends, whatever the text had.
std::string EncodedHeader(std::string_view text, HeaderPlace place);

// "Name: value" with CR LF at its end, folded at blanks to lines of 76 characters where that is
// possible. REQUIRES: neither has control characters but tabs.
std::string FoldedHeader(std::string_view name, std::string_view value);

// Letters, digits and other printable ASCII but for the colon (RFC 5322, 3.6.8).
bool IsHeaderName(std::string_view name);

}  // namespace vigil::notify
