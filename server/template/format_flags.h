// SPDX-License-Identifier: Apache-2.0
// Scalars laid out by fmt's flags: the part of the formatter that knows no values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vigil::tmpl {

struct FormatFlags {
  bool has_width = false, has_precision = false;
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  bool plus_v = false, sharp_v = false;  // %+v and %#v
  size_t width = 0, precision = 0;
};

// All append to *out.
void PadText(const FormatFlags& flags, std::string_view text, std::string* out);
// base 2, 8, 10 or 16; verb 'O' writes 0o, 'X' capitals.
void FormatInteger(const FormatFlags& flags, uint64_t value, bool is_signed, unsigned base,
                   char verb, std::string* out);
// verb e E f F g G x X or v.
void FormatFloat(const FormatFlags& flags, double value, char verb, std::string* out);
void FormatText(const FormatFlags& flags, std::string_view text, std::string* out);    // %s
void FormatQuoted(const FormatFlags& flags, std::string_view text, std::string* out);  // %q
void FormatHexBytes(const FormatFlags& flags, std::string_view text, bool capitals,
                    std::string* out);                                              // %x
void FormatRune(const FormatFlags& flags, uint64_t value, std::string* out);        // %c
void FormatQuotedRune(const FormatFlags& flags, uint64_t value, std::string* out);  // %q
void FormatUnicode(const FormatFlags& flags, uint64_t value, std::string* out);     // %U

}  // namespace vigil::tmpl
