// SPDX-License-Identifier: Apache-2.0
// Places in an HTML page, as html/template tells them apart, and what text does to them.
//
// Actions may stand in
//   - text between tags, and in <title> and <textarea>;
//   - values of attributes, in double or single quotes or without;
//   - values of attributes that hold URLs (href, src, action, ...): the scheme is checked, the path
//     is normalised, the query is escaped;
//   - <script> and on... attributes, as a value or inside a string in quotes;
//   - <style> and style attributes, as a value;
//   - HTML comments and comments of scripts and styles, which are left out of the page.
// Everywhere else an action is an error: names of tags and attributes, srcset, template literals
// and regular expressions of scripts, strings and URLs of styles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vigil::tmpl {

enum class HtmlState : uint8_t {
  kText,
  kRcdata,
  kComment,
  kTag,
  kAttrName,
  kAfterName,
  kBeforeValue,
  kAttr,
  kUrl,
  kSrcset,
  kJs,
  kJsDoubleString,
  kJsSingleString,
  kJsTemplate,
  kJsRegexp,
  kJsBlockComment,
  kJsLineComment,
  kCss,
  kCssDoubleString,
  kCssSingleString,
  kCssUrl,
  kCssBlockComment,
  kError,
};

// What ends an attribute's value.
enum class HtmlDelim : uint8_t { kNone, kDouble, kSingle, kSpaceOrTagEnd };
enum class HtmlAttr : uint8_t { kNone, kScript, kScriptType, kStyle, kUrl, kSrcset };
enum class HtmlElement : uint8_t { kNone, kScript, kStyle, kTextarea, kTitle };
enum class UrlPart : uint8_t { kNone, kPreQuery, kQueryOrFragment, kUnknown };
// What a slash would mean in a script.
enum class JsSlash : uint8_t { kRegexp, kDivision, kUnknown };

struct HtmlContext {
  HtmlState state = HtmlState::kText;
  HtmlDelim delim = HtmlDelim::kNone;
  UrlPart url_part = UrlPart::kNone;
  JsSlash slash = JsSlash::kRegexp;
  HtmlAttr attr = HtmlAttr::kNone;
  HtmlElement element = HtmlElement::kNone;
  std::string error;  // with kError

  bool operator==(const HtmlContext&) const = default;
  // Different for different contexts.
  [[nodiscard]] std::string Key() const;
};

HtmlContext HtmlErrorContext(std::string message);

struct HtmlStep {
  HtmlContext context;
  size_t read = 0;  // bytes of the text
};
// The context behind the first part of the text, at most up to its next change.
// REQUIRES: !text.empty()
HtmlStep AfterHtmlText(const HtmlContext& context, std::string_view text);

// Whether what stands there is left out of the page.
bool IsHtmlComment(HtmlState state);

// The context of an attribute's value.
HtmlState AttrStartState(HtmlAttr attr);

}  // namespace vigil::tmpl
