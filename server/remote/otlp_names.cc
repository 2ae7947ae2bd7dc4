// SPDX-License-Identifier: Apache-2.0
// Rules and words: github.com/prometheus/otlptranslator.
#include "server/remote/otlp_names.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"

namespace vigil::remote {
namespace {

using Words = std::pair<std::string_view, std::string_view>;

constexpr std::array<Words, 26> kUnits = {{
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
}};
constexpr std::array<Words, 7> kPerUnits = {{{"s", "second"},
                                             {"m", "minute"},
                                             {"h", "hour"},
                                             {"d", "day"},
                                             {"w", "week"},
                                             {"mo", "month"},
                                             {"y", "year"}}};

bool IsTokenByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':';
}

bool BeginsWithDigit(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::vector<std::string> TokensOf(std::string_view text) {
  std::vector<std::string> tokens;
  bool in_token = false;
  for (const char c : text) {
    if (!IsTokenByte(c)) {
      in_token = false;
      continue;
    }
    if (!in_token) tokens.emplace_back();
    in_token = true;
    tokens.back() += c;
  }
  return tokens;
}

template <size_t N>
std::string WordOf(std::string_view unit, const std::array<Words, N>& words) {
  const auto found =
      std::find_if(words.begin(), words.end(), [unit](const Words& w) { return w.first == unit; });
  return found == words.end() ? Join(TokensOf(unit), "_") : std::string(found->second);
}

struct Unit {
  std::string main;
  std::string per;
};

// What stands in braces is a remark.
Unit UnitWords(std::string_view unit) {
  Unit words;
  const size_t slash = unit.find('/');
  const std::string_view main = TrimSpace(unit.substr(0, slash));
  if (main.find_first_of("{}") == std::string_view::npos) words.main = WordOf(main, kUnits);
  if (slash == std::string_view::npos) return words;
  const std::string_view per = TrimSpace(unit.substr(slash + 1));
  if (per.find_first_of("{}") == std::string_view::npos) words.per = WordOf(per, kPerUnits);
  return words;
}

bool Contains(const std::vector<std::string>& tokens, const std::string& token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

void MoveToEnd(const std::string& token, std::vector<std::string>* tokens) {
  std::erase(*tokens, token);
  tokens->push_back(token);
}

}  // namespace

std::string OtlpUnit(std::string_view unit) {
  const Unit words = UnitWords(unit);
  if (words.per.empty()) return words.main;
  std::string text = words.main;
  if (!text.empty()) text += '_';
  return text.append("per_").append(words.per);
}

std::string OtlpMetricName(std::string_view name, std::string_view unit, OtlpKind kind) {
  std::vector<std::string> tokens = TokensOf(name);
  const Unit words = UnitWords(unit);
  if (!words.main.empty() && !Contains(tokens, words.main)) tokens.push_back(words.main);
  if (!words.per.empty()) tokens.push_back(std::string("per_").append(words.per));
  if (kind == OtlpKind::kCounter) MoveToEnd("total", &tokens);
  if (kind == OtlpKind::kGauge && unit == "1") MoveToEnd("ratio", &tokens);
  std::string out = Join(tokens, "_");
  return BeginsWithDigit(out) ? std::string(1, '_').append(out) : out;
}

std::string OtlpLabelName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    // One underscore for each character, whatever its bytes.
    if (IsContinuation(c)) continue;
    out += IsTokenByte(c) && c != ':' ? c : '_';
  }
  std::string_view before;
  if (BeginsWithDigit(out)) before = "key_";
  if (out.starts_with("_") && !out.starts_with("__")) before = "key";
  return before.empty() ? out : std::string(before).append(out);
}

}  // namespace vigil::remote
