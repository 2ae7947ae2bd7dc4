// SPDX-License-Identifier: Apache-2.0
#include "server/notify/text_limits.h"

#include "client-lib/http/digest.h"
#include "server/template/rune.h"

namespace vigil::notify {
namespace {

constexpr std::string_view kMarker = "…";

// Where the first n characters end.
size_t EndOfRunes(std::string_view text, size_t n) {
  size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += tmpl::DecodeRune(text.substr(at)).size;
  return at;
}

}  // namespace

Truncated TruncateInRunes(std::string_view text, size_t n) {
  const size_t end = EndOfRunes(text, n);
  if (end == text.size()) return {std::string(text), false};
  if (n <= 3) return {std::string(text.substr(0, end)), true};
  return {std::string(text.substr(0, EndOfRunes(text, n - 1))).append(kMarker), true};
}

Truncated TruncateInBytes(std::string_view text, size_t n) {
  if (text.size() <= n) return {std::string(text), false};
  if (n < kMarker.size()) return {std::string(n, '.'), true};
  const size_t room = n - kMarker.size();
  size_t end = 0;
  while (end < room) {
    const size_t size = tmpl::DecodeRune(text.substr(end)).size;
    if (end + size > room) break;
    end += size;
  }
  return {std::string(text.substr(0, end)).append(kMarker), true};
}

std::string KeyHash(std::string_view group_key) { return http::HexText(http::Sha256(group_key)); }

}  // namespace vigil::notify
