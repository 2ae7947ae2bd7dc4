// SPDX-License-Identifier: Apache-2.0
// Numbers as Go writes and reads them: every protocol of the field uses Go's spelling.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vigil {

// All of them: the fewest digits that read back as the same value; NaN, +Inf, -Inf; a zero keeps
// its sign; exponents have at least two digits (1e+06).

// strconv.FormatFloat(v, 'f', -1, 64): never an exponent.
void AppendFloatF(double value, std::string* out);
// strconv.FormatFloat(v, 'g', -1, 64), which is also what Go's %v and %g print: with an exponent
// when that is < -4 or >= 6: 0.0001, 100000, 123456.5, but 1e-05, 1e+06, 1.23456789e+08. (The
// threshold of 21 belongs to JSON numbers only.)
void AppendFloatG(double value, std::string* out);
// strconv.FormatFloat(v, 'e', -1, 64): 1e+00.
void AppendFloatE(double value, std::string* out);
// As the HTTP API writes sample values: 'f' unless |v| < 1e-6 or >= 1e21, then 'e'.
void AppendFloatJson(double value, std::string* out);
// The same into a buffer of at least kMaxFloatJson bytes; returns the end of the text.
inline constexpr size_t kMaxFloatJson = 32;
char* WriteFloatJson(double value, char* out);
// As the text exposition writes values: AppendFloatG.
void AppendFloatExposition(double value, std::string* out);

std::string FormatFloatF(double value);
std::string FormatFloatG(double value);
std::string FormatFloatE(double value);
std::string FormatFloatJson(double value);
std::string FormatFloatExposition(double value);

// strconv.ParseFloat: decimal, exponent, hex floats (0x1p-2), underscores between digits,
// inf/infinity/nan in any case with sign. Nothing when the text is not wholly a number. Overflow
// gives +-Inf as Go's value part does, with *overflow set when given.
std::optional<double> ParseFloat(std::string_view text, bool* overflow = nullptr);

// The values of the text exposition: as ParseFloat, but neither hex floats nor underscores, and a
// number too large for a double is no number, as upstream. Plain decimals take a fast path without
// copying.
std::optional<double> ParseExpositionFloat(std::string_view text);

}  // namespace vigil
