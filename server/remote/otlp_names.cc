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
std::string WordOf(std::string_view unit, const std::array<Words, N>& words, bool escape) {
  const auto found =
      std::find_if(words.begin(), words.end(), [unit](const Words& w) { return w.first == unit; });
  if (found != words.end()) return std::string(found->second);
  return escape ? Join(TokensOf(unit), "_") : std::string(unit);
}

struct Unit {
  std::string main;
  std::string per;
};

// What stands in braces is a remark.
Unit UnitWords(std::string_view unit, bool escape = true) {
  Unit words;
  const size_t slash = unit.find('/');
  const std::string_view main = TrimSpace(unit.substr(0, slash));
  if (main.find_first_of("{}") == std::string_view::npos) words.main = WordOf(main, kUnits, escape);
  if (slash == std::string_view::npos) return words;
  const std::string_view per = TrimSpace(unit.substr(slash + 1));
  if (per.find_first_of("{}") == std::string_view::npos) words.per = WordOf(per, kPerUnits, escape);
  return words;
}

bool Contains(const std::vector<std::string>& tokens, const std::string& token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

void MoveToEnd(const std::string& token, std::vector<std::string>* tokens) {
  std::erase(*tokens, token);
  tokens->push_back(token);
}

bool HasUnderscoresOnly(std::string_view text) {
  return text.find_first_not_of('_') == std::string_view::npos;
}

// Words of letters, digits and colons, those of the unit among them.
std::string EscapedWithSuffixes(std::string_view name, std::string_view unit, OtlpKind kind) {
  std::vector<std::string> tokens = TokensOf(name);
  const Unit words = UnitWords(unit);
  if (!words.main.empty() && !Contains(tokens, words.main)) tokens.push_back(words.main);
  if (!words.per.empty()) {
    const std::string per = "per_" + words.per;
    if (!Contains(tokens, per)) tokens.push_back(per);
  }
  if (kind == OtlpKind::kCounter) MoveToEnd("total", &tokens);
  if (kind == OtlpKind::kGauge && unit == "1") MoveToEnd("ratio", &tokens);
  return Join(tokens, "_");
}

// Runs of other characters become one underscore, those at the ends nothing.
std::string EscapedAsItIs(std::string_view name) {
  std::string out;
  bool gap = false;
  for (const char c : name) {
    if (!IsTokenByte(c) && c != '_') {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += '_';
    gap = false;
    out += c;
  }
  return out;
}

// The word is taken off with the character before it, where it stands.
void TrimWord(std::string_view word, std::string* name) {
  if (name->ends_with(word) && name->size() > word.size() + 1) {
    name->resize(name->size() - word.size() - 1);
  }
}

std::string UnescapedWithSuffixes(std::string_view name, std::string_view unit, OtlpKind kind) {
  std::string out(name);
  const bool ratio = kind == OtlpKind::kGauge && unit == "1";
  if (ratio) TrimWord("ratio", &out);
  if (kind == OtlpKind::kCounter) TrimWord("total", &out);
  const Unit words = UnitWords(unit, /*escape=*/false);
  const std::string per = words.per.empty() ? "" : "per_" + words.per;
  if (!per.empty()) TrimWord(per, &out);
  if (!words.main.empty() && !out.ends_with(words.main)) out.append("_").append(words.main);
  if (!per.empty()) out.append("_").append(per);
  if (kind == OtlpKind::kCounter) out.append("_total");
  if (ratio) out.append("_ratio");
  return out;
}

// One underscore for each character that has no place here, whatever its bytes.
std::string EscapedLabel(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (IsContinuation(c)) continue;
    out += IsTokenByte(c) && c != ':' ? c : '_';
  }
  return out;
}

// Except around reserved names: __a__.
std::string WithSingleUnderscores(std::string_view name) {
  const bool reserved = name.size() > 4 && name.starts_with("__") && name.ends_with("__");
  if (reserved) name = name.substr(2, name.size() - 4);
  std::string out;
  for (const char c : name) {
    if (c != '_' || !out.ends_with('_')) out += c;
  }
  return reserved ? "__" + out + "__" : out;
}

}  // namespace

std::string OtlpUnit(std::string_view unit) {
  const Unit words = UnitWords(unit);
  if (words.per.empty()) return words.main;
  std::string text = words.main;
  if (!text.empty()) text += '_';
  return text.append("per_").append(words.per);
}

std::string OtlpMetricName(std::string_view name, std::string_view unit, OtlpKind kind,
                           const OtlpNaming& naming) {
  if (!naming.escape) {
    return naming.suffixes ? UnescapedWithSuffixes(name, unit, kind) : std::string(name);
  }
  std::string out = naming.suffixes ? EscapedWithSuffixes(name, unit, kind) : EscapedAsItIs(name);
  if (out != name && HasUnderscoresOnly(out)) return "";
  return BeginsWithDigit(out) ? std::string(1, '_').append(out) : out;
}

std::string OtlpLabelName(std::string_view name, const OtlpNaming& naming) {
  if (!naming.escape) return HasUnderscoresOnly(name) ? "" : std::string(name);
  std::string out = EscapedLabel(name);
  if (!naming.keep_underscores) out = WithSingleUnderscores(out);
  std::string_view before;
  if (BeginsWithDigit(out)) before = "key_";
  if (naming.key_before_underscore && out.starts_with("_") && !out.starts_with("__")) {
    before = "key";
  }
  if (before.empty() && HasUnderscoresOnly(out)) return "";
  return std::string(before).append(out);
}

}  // namespace vigil::remote
