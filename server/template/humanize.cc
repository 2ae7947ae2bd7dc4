// SPDX-License-Identifier: Apache-2.0
// Four digits and a prefix.
#include "server/template/humanize.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "client-lib/model/float_text.h"
#include "server/template/format_flags.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr std::array<std::string_view, 8> kLargePrefixes = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr std::array<std::string_view, 8> kSmallPrefixes = {"m", "u", "n", "p", "f", "a", "z", "y"};
constexpr std::array<std::string_view, 8> kBinaryPrefixes = {"ki", "Mi", "Gi", "Ti",
                                                             "Pi", "Ei", "Zi", "Yi"};

// %.4g
std::string FourDigits(double value) {
  FormatFlags flags;
  flags.has_precision = true;
  flags.precision = 4;
  std::string text;
  FormatFloat(flags, value, 'g', &text);
  return text;
}

std::string Enlarged(double value) {
  std::string_view prefix;
  for (const std::string_view next : kSmallPrefixes) {
    if (std::fabs(value) >= 1) break;
    prefix = next;
    value *= 1000;
  }
  return FourDigits(value).append(prefix);
}

std::string Reduced(double value, double step, std::span<const std::string_view> prefixes) {
  std::string_view prefix;
  for (const std::string_view next : prefixes) {
    if (std::fabs(value) < step) break;
    prefix = next;
    value /= step;
  }
  return FourDigits(value).append(prefix);
}

}  // namespace

std::string Humanize(double value) {
  if (value == 0 || !std::isfinite(value)) return FourDigits(value);
  return std::fabs(value) >= 1 ? Reduced(value, 1000, kLargePrefixes) : Enlarged(value);
}

std::string Humanize1024(double value) {
  if (std::fabs(value) <= 1 || !std::isfinite(value)) return FourDigits(value);
  return Reduced(value, 1024, kBinaryPrefixes);
}

std::string HumanizeDuration(double seconds) {
  if (!std::isfinite(seconds)) return FourDigits(seconds);
  if (seconds == 0) return FourDigits(seconds) + "s";
  if (std::fabs(seconds) < 1) return Enlarged(seconds) + "s";
  const std::string sign = seconds < 0 ? "-" : "";
  seconds = std::fabs(seconds);
  // Beyond 64 bits Go's conversion on amd64 gives the smallest number.
  if (seconds >= 0x1p63) return sign + "-106751991167300d -15h -30m -8s";
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 60) return sign + FourDigits(seconds) + "s";
  std::string text = sign;
  if (whole >= 86'400) text += std::to_string(whole / 86'400) + "d ";
  if (whole >= 3600) text += std::to_string(whole / 3600 % 24) + "h ";
  return text + std::to_string(whole / 60 % 60) + "m " + std::to_string(whole % 60) + "s";
}

std::string HumanizePercentage(double ratio) { return FourDigits(ratio * 100) + "%"; }

Result<Time> MomentOf(double unix_seconds) {
  if (!std::isfinite(unix_seconds)) return BadData("value is NaN or Inf");
  const double nanos = unix_seconds * 1e9;
  if (nanos > 0x1p63 || nanos < -0x1p63) {
    return BadData(FormatFloatG(unix_seconds) +
                   " cannot be represented as a nanoseconds timestamp since it overflows int64");
  }
  // Milliseconds are what Prometheus's times have.
  const int64_t ns = nanos >= 0x1p63 ? INT64_MIN : static_cast<int64_t>(nanos);
  return Time::FromUnixMs(ns / 1'000'000);
}

Result<std::string> HumanizeTimestamp(double unix_seconds) {
  if (!std::isfinite(unix_seconds)) return FourDigits(unix_seconds);
  return TimeText(TRY(MomentOf(unix_seconds)));
}

Result<double> NumberOf(const Value& value) {
  switch (value.kind()) {
    case Kind::kFloat:
      return value.float_value();
    case Kind::kUint:
      return static_cast<double>(value.uint_value());
    case Kind::kInt:
      if (value.type() == Type::kDuration) {
        return static_cast<double>(value.int_value() / 1'000'000'000) +
               static_cast<double>(value.int_value() % 1'000'000'000) / 1e9;
      }
      return static_cast<double>(value.int_value());
    case Kind::kString: {
      bool overflow = false;
      const std::optional<double> number = ParseFloat(value.string_value(), &overflow);
      if (number && !overflow) return *number;
      return BadData("strconv.ParseFloat: parsing " + QuoteText(value.string_value()) +
                     (overflow ? ": value out of range" : ": invalid syntax"));
    }
    default:
      return BadData("can't convert " + value.TypeName() + " to float");
  }
}

}  // namespace vigil::tmpl
