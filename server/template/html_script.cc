// SPDX-License-Identifier: Apache-2.0
// Just enough of JavaScript's and CSS's tokens to know strings and comments.
#include "server/template/html_script.h"

#include <algorithm>
#include <array>

namespace vigil::tmpl {
namespace {

constexpr std::string_view kJsSpaces = " \t\n\f\r";

bool IsJsNameChar(char c) {
  return c == '$' || c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

HtmlContext WithState(HtmlContext context, HtmlState state) {
  context.state = state;
  return context;
}

HtmlStep InJs(HtmlContext context, std::string_view text) {
  const size_t at = text.find_first_of("\"'`/");
  context.slash = SlashAfter(text.substr(0, at), context.slash);
  if (at == std::string_view::npos) return {context, text.size()};
  const char c = text[at];
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  if (c == '"') return {WithState(context, HtmlState::kJsDoubleString), at + 1};
  if (c == '\'') return {WithState(context, HtmlState::kJsSingleString), at + 1};
  if (c == '`') return {WithState(context, HtmlState::kJsTemplate), at + 1};
  if (next == '/') return {WithState(context, HtmlState::kJsLineComment), at + 2};
  if (next == '*') return {WithState(context, HtmlState::kJsBlockComment), at + 2};
  if (context.slash == JsSlash::kUnknown) {
    return {HtmlErrorContext("'/' could start a division or regexp; write parentheses"),
            text.size()};
  }
  if (context.slash == JsSlash::kRegexp) {
    return {WithState(context, HtmlState::kJsRegexp), at + 1};
  }
  context.slash = JsSlash::kRegexp;
  return {context, at + 1};
}

// Strings and regular expressions, up to their end.
HtmlStep InDelimited(HtmlContext context, std::string_view text, char end, HtmlState outside) {
  bool in_class = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\') {
      ++at;
      if (at == text.size()) {
        return {HtmlErrorContext("unfinished escape sequence in a string of a script"),
                text.size()};
      }
    } else if (end == '/' && c == '[') {
      in_class = true;
    } else if (end == '/' && c == ']') {
      in_class = false;
    } else if (c == end && !in_class) {
      context.state = outside;
      context.slash = JsSlash::kDivision;
      return {context, at + 1};
    }
  }
  if (in_class) {
    return {HtmlErrorContext("unfinished [ in a regular expression of a script"), text.size()};
  }
  return {context, text.size()};
}

HtmlStep InCommentUntil(HtmlContext context, std::string_view text, std::string_view end,
                        HtmlState outside) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return {context, text.size()};
  context.state = outside;
  return {context, at + end.size()};
}

// The newline belongs to the code behind the comment.
HtmlStep InLineComment(HtmlContext context, std::string_view text) {
  const size_t at = text.find_first_of("\n\r");
  if (at == std::string_view::npos) return {context, text.size()};
  context.state = HtmlState::kJs;
  return {context, at};
}

HtmlStep InCss(HtmlContext context, std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
        return {WithState(context, HtmlState::kCssDoubleString), at + 1};
      case '\'':
        return {WithState(context, HtmlState::kCssSingleString), at + 1};
      case '(': {
        size_t end = at;
        while (end > 0 && kJsSpaces.find(text[end - 1]) != std::string_view::npos) --end;
        if (end < 3) break;
        std::string word(text.substr(end - 3, 3));
        for (char& c : word) c = static_cast<char>(c | 0x20);
        if (word == "url") return {WithState(context, HtmlState::kCssUrl), at + 1};
        break;
      }
      case '/':
        if (text.substr(at).starts_with("/*")) {
          return {WithState(context, HtmlState::kCssBlockComment), at + 2};
        }
        break;
      default:
        break;
    }
  }
  return {context, text.size()};
}

}  // namespace

JsSlash SlashAfter(std::string_view text, JsSlash before) {
  const size_t last = text.find_last_not_of(kJsSpaces);
  if (last == std::string_view::npos) return before;
  text = text.substr(0, last + 1);
  const char c = text[last];
  if (c == '+' || c == '-') {
    // a++ / b, but a + /b/.
    size_t start = last;
    while (start > 0 && text[start - 1] == c) --start;
    return (last - start + 1) % 2 == 1 ? JsSlash::kRegexp : JsSlash::kDivision;
  }
  if (c == '.') {
    const bool number = last > 0 && text[last - 1] >= '0' && text[last - 1] <= '9';
    return number ? JsSlash::kDivision : JsSlash::kRegexp;
  }
  if (std::string_view(",<>=*%&|^?!~([:;{").find(c) != std::string_view::npos) {
    return JsSlash::kRegexp;
  }
  if (c == '}') return JsSlash::kRegexp;
  size_t start = last + 1;
  while (start > 0 && IsJsNameChar(text[start - 1])) --start;
  constexpr std::array<std::string_view, 15> kBeforeRegexp = {
      "break",      "case",   "continue", "delete", "do",     "else", "finally", "in",
      "instanceof", "return", "throw",    "try",    "typeof", "void", "yield"};
  const std::string_view word = text.substr(start);
  return std::find(kBeforeRegexp.begin(), kBeforeRegexp.end(), word) != kBeforeRegexp.end()
             ? JsSlash::kRegexp
             : JsSlash::kDivision;
}

HtmlStep AfterScriptText(const HtmlContext& context, std::string_view text) {
  switch (context.state) {
    case HtmlState::kJs:
      return InJs(context, text);
    case HtmlState::kJsDoubleString:
      return InDelimited(context, text, '"', HtmlState::kJs);
    case HtmlState::kJsSingleString:
      return InDelimited(context, text, '\'', HtmlState::kJs);
    case HtmlState::kJsTemplate:
      return InDelimited(context, text, '`', HtmlState::kJs);
    case HtmlState::kJsRegexp:
      return InDelimited(context, text, '/', HtmlState::kJs);
    case HtmlState::kJsBlockComment:
      return InCommentUntil(context, text, "*/", HtmlState::kJs);
    case HtmlState::kJsLineComment:
      return InLineComment(context, text);
    case HtmlState::kCss:
      return InCss(context, text);
    case HtmlState::kCssDoubleString:
      return InDelimited(context, text, '"', HtmlState::kCss);
    case HtmlState::kCssSingleString:
      return InDelimited(context, text, '\'', HtmlState::kCss);
    case HtmlState::kCssUrl:
      return InDelimited(context, text, ')', HtmlState::kCss);
    default:
      return InCommentUntil(context, text, "*/", HtmlState::kCss);
  }
}

}  // namespace vigil::tmpl
