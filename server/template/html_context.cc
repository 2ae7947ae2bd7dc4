// SPDX-License-Identifier: Apache-2.0
// Tags and attributes; scripts and styles are in html_script.cc.
#include "server/template/html_context.h"

#include <algorithm>
#include <array>

#include "server/template/html_script.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr std::string_view kHtmlSpaces = " \t\n\f\r";

bool IsHtmlSpace(char c) { return kHtmlSpaces.find(c) != std::string_view::npos; }
bool IsAsciiLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsHtmlSpace(text[at])) ++at;
  return at;
}

struct ElementName {
  std::string_view name;
  HtmlElement element;
};
constexpr std::array kElementNames = {
    ElementName{"script", HtmlElement::kScript}, ElementName{"style", HtmlElement::kStyle},
    ElementName{"textarea", HtmlElement::kTextarea}, ElementName{"title", HtmlElement::kTitle}};

// Attributes whose value is a URL.
constexpr std::array<std::string_view, 19> kUrlAttributes = {
    "action",     "archive", "background", "cite",     "classid",  "codebase", "data",
    "formaction", "href",    "icon",       "longdesc", "manifest", "poster",   "profile",
    "src",        "usemap",  "xmlns",      "dynsrc",   "lowsrc"};

HtmlAttr AttrOf(std::string_view spelled, HtmlElement element) {
  std::string name = ToLowerText(spelled);
  if (element == HtmlElement::kScript && name == "type") return HtmlAttr::kScriptType;
  if (name.starts_with("data-")) {
    name.erase(0, 5);
  } else if (const size_t colon = name.find(':'); colon != std::string::npos) {
    if (name.starts_with("xmlns:")) return HtmlAttr::kUrl;
    name.erase(0, colon + 1);
  }
  if (name.starts_with("on")) return HtmlAttr::kScript;
  if (name == "style") return HtmlAttr::kStyle;
  if (name == "srcset") return HtmlAttr::kSrcset;
  const bool url =
      std::find(kUrlAttributes.begin(), kUrlAttributes.end(), name) != kUrlAttributes.end() ||
      name.find("src") != std::string::npos || name.find("uri") != std::string::npos ||
      name.find("url") != std::string::npos;
  return url ? HtmlAttr::kUrl : HtmlAttr::kNone;
}

// Behind the name of a tag that begins at `at`.
size_t SkipTagName(std::string_view text, size_t at, HtmlElement* element) {
  *element = HtmlElement::kNone;
  if (at == text.size() || !IsAsciiLetter(text[at])) return at;
  size_t end = at + 1;
  while (end < text.size()) {
    const char c = text[end];
    const bool joined = (c == ':' || c == '-') && end + 1 < text.size() &&
                        (IsAsciiLetter(text[end + 1]) || IsAsciiDigit(text[end + 1]));
    if (!IsAsciiLetter(c) && !IsAsciiDigit(c) && !joined) break;
    ++end;
  }
  const std::string name = ToLowerText(text.substr(at, end - at));
  for (const ElementName& row : kElementNames) {
    if (row.name == name) *element = row.element;
  }
  return end;
}

HtmlState ContentState(HtmlElement element) {
  switch (element) {
    case HtmlElement::kScript:
      return HtmlState::kJs;
    case HtmlElement::kStyle:
      return HtmlState::kCss;
    case HtmlElement::kTextarea:
    case HtmlElement::kTitle:
      return HtmlState::kRcdata;
    case HtmlElement::kNone:
      break;
  }
  return HtmlState::kText;
}

HtmlStep InText(const HtmlContext& context, std::string_view text) {
  size_t from = 0;
  for (;;) {
    size_t at = text.find('<', from);
    if (at == std::string_view::npos || at + 1 == text.size()) return {context, text.size()};
    if (text.substr(at).starts_with("<!--")) {
      HtmlContext comment;
      comment.state = HtmlState::kComment;
      return {comment, at + 4};
    }
    ++at;
    const bool end_tag = text[at] == '/';
    if (end_tag) ++at;
    HtmlElement element{};
    const size_t end = SkipTagName(text, at, &element);
    if (end != at) {
      HtmlContext tag;
      tag.state = HtmlState::kTag;
      tag.element = end_tag ? HtmlElement::kNone : element;
      return {tag, end};
    }
    from = at;
  }
}

// Behind the name of an attribute; npos for a character that cannot be in one.
size_t SkipAttrName(std::string_view text, size_t at) {
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (IsHtmlSpace(c) || c == '=' || c == '>') return at;
    if (c == '\'' || c == '"' || c == '<') return std::string_view::npos;
  }
  return at;
}

HtmlStep InTag(HtmlContext context, std::string_view text) {
  const size_t at = SkipSpace(text, 0);
  if (at == text.size()) return {context, at};
  if (text[at] == '>') {
    HtmlContext content;
    content.state = ContentState(context.element);
    content.element = context.element;
    return {content, at + 1};
  }
  const size_t end = SkipAttrName(text, at);
  if (end == std::string_view::npos) {
    return {HtmlErrorContext(QuoteText(text.substr(at, 1)) + " in attribute name"), text.size()};
  }
  if (end == at) {
    return {HtmlErrorContext("expected space, attr name, or end of tag, but got " +
                             QuoteText(text.substr(at, 20))),
            text.size()};
  }
  context.attr = AttrOf(text.substr(at, end - at), context.element);
  context.state = end == text.size() ? HtmlState::kAttrName : HtmlState::kAfterName;
  return {context, end};
}

HtmlStep InAttrName(HtmlContext context, std::string_view text) {
  const size_t end = SkipAttrName(text, 0);
  if (end == std::string_view::npos) {
    return {HtmlErrorContext("a quote or < in an attribute name"), text.size()};
  }
  if (end != text.size()) context.state = HtmlState::kAfterName;
  return {context, end};
}

HtmlStep InAfterName(HtmlContext context, std::string_view text) {
  const size_t at = SkipSpace(text, 0);
  if (at == text.size()) return {context, at};
  if (text[at] != '=') {
    context.state = HtmlState::kTag;
    return {context, at};
  }
  context.state = HtmlState::kBeforeValue;
  return {context, at + 1};
}

HtmlStep InBeforeValue(HtmlContext context, std::string_view text) {
  size_t at = SkipSpace(text, 0);
  if (at == text.size()) return {context, at};
  context.delim = HtmlDelim::kSpaceOrTagEnd;
  if (text[at] == '\'' || text[at] == '"') {
    context.delim = text[at] == '"' ? HtmlDelim::kDouble : HtmlDelim::kSingle;
    ++at;
  }
  context.state = AttrStartState(context.attr);
  return {context, at};
}

HtmlStep InComment(const HtmlContext& context, std::string_view text) {
  const size_t end = text.find("-->");
  if (end == std::string_view::npos) return {context, text.size()};
  return {HtmlContext{}, end + 3};
}

HtmlStep InUrl(HtmlContext context, std::string_view text) {
  if (text.find_first_of("#?") != std::string_view::npos) {
    context.url_part = UrlPart::kQueryOrFragment;
  } else if (SkipSpace(text, 0) != text.size() && context.url_part == UrlPart::kNone) {
    context.url_part = UrlPart::kPreQuery;
  }
  return {context, text.size()};
}

HtmlStep Transition(const HtmlContext& context, std::string_view text) {
  switch (context.state) {
    case HtmlState::kText:
      return InText(context, text);
    case HtmlState::kTag:
      return InTag(context, text);
    case HtmlState::kAttrName:
      return InAttrName(context, text);
    case HtmlState::kAfterName:
      return InAfterName(context, text);
    case HtmlState::kBeforeValue:
      return InBeforeValue(context, text);
    case HtmlState::kComment:
      return InComment(context, text);
    case HtmlState::kUrl:
      return InUrl(context, text);
    case HtmlState::kRcdata:
    case HtmlState::kAttr:
    case HtmlState::kSrcset:
    case HtmlState::kError:
      return {context, text.size()};
    default:
      return AfterScriptText(context, text);
  }
}

// Where "</script" or the like begins; npos when nowhere.
size_t FindEndTag(HtmlElement element, std::string_view text) {
  std::string_view name;
  for (const ElementName& row : kElementNames) {
    if (row.element == element) name = row.name;
  }
  for (size_t at = text.find("</"); at != std::string_view::npos; at = text.find("</", at + 2)) {
    const std::string_view rest = text.substr(at + 2);
    if (rest.size() <= name.size()) return std::string_view::npos;
    const char behind = rest[name.size()];
    if (ToLowerText(rest.substr(0, name.size())) == name &&
        (IsHtmlSpace(behind) || behind == '>' || behind == '/')) {
      return at;
    }
  }
  return std::string_view::npos;
}

// The few entities that scripts in attributes are written with.
std::string UnescapeEntities(std::string_view text) {
  struct Entity {
    std::string_view name, text;
  };
  constexpr std::array kEntities = {
      Entity{"&quot;", "\""}, Entity{"&#34;", "\""}, Entity{"&apos;", "'"},
      Entity{"&#39;", "'"},   Entity{"&amp;", "&"},  Entity{"&lt;", "<"},
      Entity{"&gt;", ">"},    Entity{"&#x27;", "'"}, Entity{"&#x22;", "\""}};
  std::string out;
  while (!text.empty()) {
    const auto entity = std::find_if(kEntities.begin(), kEntities.end(),
                                     [&](const Entity& one) { return text.starts_with(one.name); });
    if (entity != kEntities.end()) {
      out += entity->text;
      text.remove_prefix(entity->name.size());
    } else {
      out += text[0];
      text.remove_prefix(1);
    }
  }
  return out;
}

bool IsScriptType(std::string_view type) {
  std::string name = ToLowerText(TrimSpaceText(type.substr(0, type.find(';'))));
  constexpr std::array<std::string_view, 9> kTypes = {
      "application/ecmascript", "application/javascript",   "application/json",
      "application/ld+json",    "application/x-javascript", "module",
      "text/ecmascript",        "text/javascript",          "text/x-javascript"};
  return std::find(kTypes.begin(), kTypes.end(), name) != kTypes.end();
}

HtmlStep InAttrValue(HtmlContext context, std::string_view text) {
  const std::string_view ends = context.delim == HtmlDelim::kDouble   ? "\""
                                : context.delim == HtmlDelim::kSingle ? "'"
                                                                      : " \t\n\f\r>";
  const size_t end = std::min(text.find_first_of(ends), text.size());
  const std::string_view value = text.substr(0, end);
  if (context.delim == HtmlDelim::kSpaceOrTagEnd) {
    const size_t bad = value.find_first_of("\"'<=`");
    if (bad != std::string_view::npos) {
      return {HtmlErrorContext(QuoteText(value.substr(bad, 1)) +
                               " in unquoted attr: " + QuoteText(value)),
              text.size()};
    }
  }
  if (end == text.size()) {
    const std::string plain = UnescapeEntities(value);
    for (std::string_view rest = plain; !rest.empty();) {
      HtmlStep step = Transition(context, rest);
      rest.remove_prefix(step.read);
      context = std::move(step.context);
    }
    return {context, text.size()};
  }
  HtmlContext tag;
  tag.state = HtmlState::kTag;
  tag.element = context.element;
  if (context.attr == HtmlAttr::kScriptType && !IsScriptType(value)) {
    tag.element = HtmlElement::kNone;
  }
  return {tag, context.delim == HtmlDelim::kSpaceOrTagEnd ? end : end + 1};
}

}  // namespace

std::string HtmlContext::Key() const {
  std::string key;
  for (const uint8_t part :
       {static_cast<uint8_t>(state), static_cast<uint8_t>(delim), static_cast<uint8_t>(url_part),
        static_cast<uint8_t>(slash), static_cast<uint8_t>(attr), static_cast<uint8_t>(element)}) {
    key += std::to_string(part) + ".";
  }
  return key;
}

HtmlContext HtmlErrorContext(std::string message) {
  HtmlContext context;
  context.state = HtmlState::kError;
  context.error = std::move(message);
  return context;
}

HtmlState AttrStartState(HtmlAttr attr) {
  switch (attr) {
    case HtmlAttr::kScript:
      return HtmlState::kJs;
    case HtmlAttr::kStyle:
      return HtmlState::kCss;
    case HtmlAttr::kUrl:
      return HtmlState::kUrl;
    case HtmlAttr::kSrcset:
      return HtmlState::kSrcset;
    case HtmlAttr::kNone:
    case HtmlAttr::kScriptType:
      break;
  }
  return HtmlState::kAttr;
}

bool IsHtmlComment(HtmlState state) {
  return state == HtmlState::kComment || state == HtmlState::kJsBlockComment ||
         state == HtmlState::kJsLineComment || state == HtmlState::kCssBlockComment;
}

HtmlStep AfterHtmlText(const HtmlContext& context, std::string_view text) {
  if (context.delim != HtmlDelim::kNone) return InAttrValue(context, text);
  if (context.element != HtmlElement::kNone) {
    const size_t end = FindEndTag(context.element, text);
    if (end == 0) return {HtmlContext{}, 0};
    if (end != std::string_view::npos) text = text.substr(0, end);
  }
  return Transition(context, text);
}

}  // namespace vigil::tmpl
