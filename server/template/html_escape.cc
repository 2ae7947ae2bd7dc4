// SPDX-License-Identifier: Apache-2.0
// Escapers by table, and the filters for URLs and styles.
#include "server/template/html_escape.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "server/template/format.h"
#include "server/template/json_text.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

// What filters write in place of what is not safe: it can be searched for.
constexpr std::string_view kUnsafe = "ZgotmplZ";
constexpr std::string_view kLowerHexDigits = "0123456789abcdef";

struct CharRow {
  char c;
  std::string_view text;
};

constexpr std::array kHtmlChars = {
    CharRow{'\0', "\uFFFD"}, CharRow{'"', "&#34;"}, CharRow{'&', "&amp;"}, CharRow{'\'', "&#39;"},
    CharRow{'+', "&#43;"},   CharRow{'<', "&lt;"},  CharRow{'>', "&gt;"}};
constexpr std::array kSpaceChars = {
    CharRow{'\0', "&#xfffd;"}, CharRow{'\t', "&#9;"},  CharRow{'\n', "&#10;"},
    CharRow{'\v', "&#11;"},    CharRow{'\f', "&#12;"}, CharRow{'\r', "&#13;"},
    CharRow{' ', "&#32;"},     CharRow{'=', "&#61;"},  CharRow{'`', "&#96;"}};
constexpr std::array kJsStringChars = {
    CharRow{'\0', "\\u0000"}, CharRow{'\t', "\\t"},    CharRow{'\n', "\\n"},
    CharRow{'\v', "\\u000b"}, CharRow{'\f', "\\f"},    CharRow{'\r', "\\r"},
    CharRow{'"', "\\u0022"},  CharRow{'`', "\\u0060"}, CharRow{'&', "\\u0026"},
    CharRow{'\'', "\\u0027"}, CharRow{'+', "\\u002b"}, CharRow{'/', "\\/"},
    CharRow{'<', "\\u003c"},  CharRow{'>', "\\u003e"}, CharRow{'\\', "\\\\"}};

const CharRow* FindChar(std::span<const CharRow> rows, char c) {
  for (const CharRow& row : rows) {
    if (row.c == c) return &row;
  }
  return nullptr;
}

// keep_entities: what is HTML already keeps its &.
std::string EscapeChars(std::string_view text, bool keep_entities, bool no_space) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const CharRow* row = no_space ? FindChar(kSpaceChars, c) : nullptr;
    if (row == nullptr) row = FindChar(kHtmlChars, c);
    if (row == nullptr || (keep_entities && c == '&')) {
      out += c;
    } else {
      out += row->text;
    }
  }
  return out;
}

// The text between the tags.
std::string WithoutTags(std::string_view html) {
  std::string out;
  while (!html.empty()) {
    const size_t open = html.find('<');
    out.append(html.substr(0, open));
    if (open == std::string_view::npos) break;
    html.remove_prefix(open);
    const bool tag = html.size() > 1 && (html[1] == '/' || html[1] == '!' || html[1] == '?' ||
                                         IsLetterRune(static_cast<unsigned char>(html[1])));
    if (!tag) {
      out += '<';
      html.remove_prefix(1);
      continue;
    }
    const bool comment = html.starts_with("<!--");
    const size_t close = html.find(comment ? "-->" : ">");
    if (close == std::string_view::npos) break;
    html.remove_prefix(close + (comment ? 3 : 1));
  }
  return out;
}

std::string EscapeJsString(std::string_view text, bool keep_backslashes) {
  std::string out;
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    const CharRow* row =
        rune.code < 0x80 ? FindChar(kJsStringChars, static_cast<char>(rune.code)) : nullptr;
    if (keep_backslashes && rune.code == '\\') row = nullptr;
    if (row != nullptr) {
      out += row->text;
    } else if (rune.code == 0x2028 || rune.code == 0x2029) {
      out += rune.code == 0x2028 ? "\\u2028" : "\\u2029";
    } else {
      out.append(text.substr(0, rune.size));
    }
    text.remove_prefix(rune.size);
  }
  return out;
}

bool IsJsNameRune(char32_t c) {
  return c == '$' || c == '_' || IsDigitRune(c) || (c < 0x80 && IsLetterRune(c));
}

Result<std::string> JsValueText(const Value& value, size_t max_bytes) {
  if (value.type() == Type::kJs) return value.string_value();
  if (value.type() == Type::kJsStr) return "\"" + value.string_value() + "\"";
  Value shown = value;
  // A time writes its own JSON; what else has a text is a text.
  if (value.type() != Type::kTime) {
    if (std::optional<std::string> text = StringerText(value)) {
      shown = Value::String(*std::move(text));
    }
  }
  const Result<std::string> json = ToJson(shown, max_bytes);
  if (!json) {
    if (json.error().kind == ErrorKind::kExecution) return json.error();
    std::string reason = json.error().message;
    // The reason must not end the comment.
    for (size_t at = reason.find("*/"); at != std::string::npos; at = reason.find("*/")) {
      reason.replace(at, 2, "* /");
    }
    return " /* " + EscapeJsString(reason, true) + " */null ";
  }
  const char32_t first = static_cast<unsigned char>(json->front());
  const char32_t last = static_cast<unsigned char>(json->back());
  // Not to run into words of the script.
  return IsJsNameRune(first) || IsJsNameRune(last) ? " " + *json + " " : *json;
}

bool IsSafeUrl(std::string_view url) {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos) return true;
  if (url.substr(0, colon).find('/') != std::string_view::npos) return true;
  const std::string scheme = ToLowerText(url.substr(0, colon));
  return scheme == "http" || scheme == "https" || scheme == "mailto";
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// normalize: what a URL is made of stays, and escapes that are there already.
std::string ProcessUrl(std::string_view url, bool normalize) {
  std::string out;
  for (size_t i = 0; i < url.size(); ++i) {
    const char c = url[i];
    const bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    const bool reserved =
        normalize && std::string_view("!#$&*+,/:;=?@[]").find(c) != std::string_view::npos;
    const bool escape = normalize && c == '%' && i + 2 < url.size() && IsHexDigit(url[i + 1]) &&
                        IsHexDigit(url[i + 2]);
    if (plain || reserved || escape) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kLowerHexDigits[byte >> 4];
      out += kLowerHexDigits[byte & 15];
    }
  }
  return out;
}

std::string FilterCss(std::string_view text) {
  constexpr std::string_view kForbidden("\0\"'()/;@[\\]`{}<>", 16);
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (kForbidden.find(c) != std::string_view::npos) return std::string(kUnsafe);
    if (c == '-' && i > 0 && text[i - 1] == '-') return std::string(kUnsafe);
    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
      name += static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
  }
  const bool script =
      name.find("expression") != std::string::npos || name.find("mozbinding") != std::string::npos;
  return script ? std::string(kUnsafe) : std::string(text);
}

// By what the value is, and where it is to stand.
std::string EscapeText(Escaper escaper, std::string_view text, Type type) {
  const bool is_html = type == Type::kHtml;
  switch (escaper) {
    case Escaper::kHtml:
      return is_html ? std::string(text) : EscapeChars(text, false, false);
    case Escaper::kRcdata:
      return EscapeChars(text, is_html, false);
    case Escaper::kHtmlAttr:
      return is_html ? EscapeChars(WithoutTags(text), true, false)
                     : EscapeChars(text, false, false);
    case Escaper::kHtmlNoSpace:
      if (text.empty()) return std::string(kUnsafe);
      return is_html ? EscapeChars(WithoutTags(text), true, true) : EscapeChars(text, false, true);
    case Escaper::kUrlFilter:
      if (type == Type::kUrl || IsSafeUrl(text)) return std::string(text);
      return "#" + std::string(kUnsafe);
    case Escaper::kUrlNormalize:
      return ProcessUrl(text, true);
    case Escaper::kUrlQuery:
      return ProcessUrl(text, type == Type::kUrl);
    case Escaper::kJsString:
      return EscapeJsString(text, type == Type::kJsStr);
    case Escaper::kCssValue:
      return type == Type::kCss ? std::string(text) : FilterCss(text);
    case Escaper::kHtmlComment:
    case Escaper::kJsValue:
      break;
  }
  return {};
}

}  // namespace

Result<Value> EscapeHtmlValue(Escaper escaper, const Value& value, size_t max_bytes) {
  if (escaper == Escaper::kJsValue) return Value::String(TRY(JsValueText(value, max_bytes)));
  if (value.kind() == Kind::kString) {
    return Value::String(EscapeText(escaper, value.string_value(), value.type()));
  }
  std::string text;
  if (!value.IsNil()) text = TRY(Sprint(Args(&value, 1), max_bytes));
  return Value::String(EscapeText(escaper, text, Type::kString));
}

}  // namespace vigil::tmpl
