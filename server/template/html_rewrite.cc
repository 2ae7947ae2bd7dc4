// SPDX-License-Identifier: Apache-2.0
// Walks the trees with the context of the text so far. Pipelines are shared with the templates that
// were parsed; texts, actions, branches and calls are written anew.
#include "server/template/html_rewrite.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/template/html_context.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr size_t kMaxDerived = 10'000;  // templates by context
constexpr size_t kMaxHtmlDepth = 400;

struct RewrittenList {
  ListPtr list;
  HtmlContext after;
};

// An action or a branch may stand where the text has not decided yet.
HtmlContext Nudged(HtmlContext context) {
  if (context.state == HtmlState::kTag || context.state == HtmlState::kAfterName) {
    context.state = HtmlState::kAttrName;
  } else if (context.state == HtmlState::kBeforeValue) {
    context.state = AttrStartState(context.attr);
    context.delim = HtmlDelim::kSpaceOrTagEnd;
    context.attr = HtmlAttr::kNone;
  }
  return context;
}

bool IsPredefinedEscaper(const CommandNode& command) {
  if (command.args[0]->kind != NodeKind::kIdentifier) return false;
  const std::string& name = static_cast<const IdentifierNode&>(*command.args[0]).name;
  return name == "html" || name == "urlquery";
}

// Threads: owner thread only.
class HtmlRewriter {
 public:
  explicit HtmlRewriter(const Definitions& definitions) : definitions_(definitions) {}

  // The context behind the template when it is called in this one.
  Result<HtmlContext> Template(std::string_view name, const HtmlContext& context,
                               std::string* derived);
  Definitions Take() { return std::move(out_); }

 private:
  [[nodiscard]] Error Fail(const Node& node, const std::string& message) const;
  Result<RewrittenList> List(const HtmlContext& before, const ListNode& list);
  Result<NodePtr> Rewrite(const NodePtr& node, HtmlContext* context);
  Result<NodePtr> Text(const TextNode& node, HtmlContext* context) const;
  Result<NodePtr> Action(const ActionNode& node, HtmlContext* context) const;
  Result<NodePtr> Branch(const BranchNode& node, HtmlContext* context);
  Result<NodePtr> Call(const TemplateNode& node, HtmlContext* context);
  Result<HtmlContext> Join(const HtmlContext& a, const HtmlContext& b, const Node& node,
                           std::string_view what) const;
  Result<std::vector<Escaper>> Escapers(const Node& node, HtmlContext* context) const;

  const Definitions& definitions_;
  Definitions out_;
  std::map<std::string, HtmlContext> after_;  // by derived name
  std::set<std::string> open_;                // being rewritten
  std::set<std::string> assumed_;             // asked for while they were
  const Definition* definition_ = nullptr;
  // Contexts at {{break}} and {{continue}} of the loop around.
  std::vector<HtmlContext>* jumps_ = nullptr;
  size_t depth_ = 0;
};

Error HtmlRewriter::Fail(const Node& node, const std::string& message) const {
  const std::string& text = definition_->source->text;
  const size_t position = std::min(node.position, text.size());
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(position), '\n');
  const size_t newline = position == 0 ? std::string::npos : text.rfind('\n', position - 1);
  const size_t column = position - (newline == std::string::npos ? 0 : newline + 1);
  return BadData("html/template:" + definition_->source->name + ":" + std::to_string(line) + ":" +
                 std::to_string(column) + ": " + message);
}

Result<HtmlContext> HtmlRewriter::Template(std::string_view name, const HtmlContext& context,
                                           std::string* derived) {
  *derived = std::string(name) + "$" + context.Key();
  const auto known = after_.find(*derived);
  if (known != after_.end()) {
    if (open_.count(*derived) > 0) assumed_.insert(*derived);
    return known->second;
  }
  const DefinitionPtr& original = definitions_.find(name)->second;
  if (after_.size() >= kMaxDerived || ++depth_ > kMaxHtmlDepth) {
    return BadData("html/template: " + std::string(name) +
                   ": too many templates call each other; call fewer");
  }
  // One that calls itself is taken to end where it began; that is checked below.
  after_[*derived] = context;
  open_.insert(*derived);
  const Definition* const outside = std::exchange(definition_, original.get());
  std::vector<HtmlContext>* const loops = std::exchange(jumps_, nullptr);
  RewrittenList body = TRY(List(context, *original->body));
  open_.erase(*derived);
  if (!(body.after == context)) {
    after_[*derived] = body.after;
    if (assumed_.count(*derived) > 0) {
      return Fail(*original->body,
                  "cannot compute output context for template " + std::string(name));
    }
  }
  definition_ = outside;
  jumps_ = loops;
  --depth_;
  auto copy = std::make_shared<Definition>(*original);
  copy->body = std::move(body.list);
  out_[*derived] = std::move(copy);
  return body.after;
}

Result<RewrittenList> HtmlRewriter::List(const HtmlContext& before, const ListNode& list) {
  if (++depth_ > kMaxHtmlDepth) return Fail(list, "blocks are nested too deep; split them");
  auto copy = std::make_shared<ListNode>(list.position);
  RewrittenList rewritten;
  rewritten.after = before;
  for (const NodePtr& node : list.nodes) {
    copy->nodes.push_back(TRY(Rewrite(node, &rewritten.after)));
  }
  --depth_;
  rewritten.list = std::move(copy);
  return rewritten;
}

Result<NodePtr> HtmlRewriter::Rewrite(const NodePtr& node, HtmlContext* context) {
  switch (node->kind) {
    case NodeKind::kText:
      return Text(static_cast<const TextNode&>(*node), context);
    case NodeKind::kAction:
      return Action(static_cast<const ActionNode&>(*node), context);
    case NodeKind::kBranch:
      return Branch(static_cast<const BranchNode&>(*node), context);
    case NodeKind::kTemplate:
      return Call(static_cast<const TemplateNode&>(*node), context);
    case NodeKind::kBreak:
    case NodeKind::kContinue:
      if (jumps_ != nullptr) jumps_->push_back(*context);
      return node;
    default:
      return node;
  }
}

// A < that begins no tag.
void AppendWithoutStrayTags(std::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<' && ToLowerText(text.substr(i, 9)) != "<!doctype") {
      *out += "&lt;";
    } else {
      *out += text[i];
    }
  }
}

Result<NodePtr> HtmlRewriter::Text(const TextNode& node, HtmlContext* context) const {
  std::string out;
  std::string_view rest = node.text;
  while (!rest.empty()) {
    HtmlStep step = AfterHtmlText(*context, rest);
    if (step.context.state == HtmlState::kError) return Fail(node, step.context.error);
    const std::string_view piece = rest.substr(0, step.read);
    const bool comment_begins = step.context.state != context->state &&
                                IsHtmlComment(step.context.state) &&
                                step.context.delim == HtmlDelim::kNone;
    if (IsHtmlComment(context->state) && context->delim == HtmlDelim::kNone) {
      // Left out; code on both sides stays apart.
      const bool newline = piece.find_first_of("\n\r") != std::string_view::npos;
      if (context->state == HtmlState::kJsBlockComment) out += newline ? '\n' : ' ';
      if (context->state == HtmlState::kCssBlockComment) out += ' ';
    } else {
      std::string_view kept = piece;
      if (comment_begins) {
        kept.remove_suffix(step.context.state == HtmlState::kComment ? 4 : 2);
      }
      const bool text_state =
          context->state == HtmlState::kText || context->state == HtmlState::kRcdata;
      size_t plain = text_state ? kept.size() : 0;
      // Not the < of the tag that begins here.
      if (text_state && !comment_begins && step.context.state != context->state) {
        plain = std::min(kept.rfind('<'), kept.size());
      }
      AppendWithoutStrayTags(kept.substr(0, plain), &out);
      out.append(kept.substr(plain));
    }
    rest.remove_prefix(step.read);
    *context = std::move(step.context);
  }
  return NodePtr(std::make_shared<TextNode>(node.position, std::move(out)));
}

Result<std::vector<Escaper>> HtmlRewriter::Escapers(const Node& node, HtmlContext* context) const {
  std::vector<Escaper> escapers;
  switch (context->state) {
    case HtmlState::kUrl:
      if (context->url_part == UrlPart::kUnknown) {
        return Fail(node, node.ToString() + " appears in an ambiguous context within a URL");
      }
      if (context->url_part == UrlPart::kNone) escapers.push_back(Escaper::kUrlFilter);
      escapers.push_back(context->url_part == UrlPart::kQueryOrFragment ? Escaper::kUrlQuery
                                                                        : Escaper::kUrlNormalize);
      break;
    case HtmlState::kJs:
      escapers.push_back(Escaper::kJsValue);
      context->slash = JsSlash::kDivision;  // behind a value
      break;
    case HtmlState::kJsDoubleString:
    case HtmlState::kJsSingleString:
      escapers.push_back(Escaper::kJsString);
      break;
    case HtmlState::kCss:
      escapers.push_back(Escaper::kCssValue);
      break;
    case HtmlState::kText:
      escapers.push_back(Escaper::kHtml);
      break;
    case HtmlState::kRcdata:
      escapers.push_back(Escaper::kRcdata);
      break;
    case HtmlState::kAttr:
      break;
    case HtmlState::kAttrName:
      return Fail(node, node.ToString() + " appears in a tag outside of an attribute's value");
    case HtmlState::kSrcset:
      return Fail(node, node.ToString() + " appears in a srcset");
    case HtmlState::kJsTemplate:
      return Fail(node, node.ToString() + " appears in a JS template literal");
    case HtmlState::kJsRegexp:
      return Fail(node, node.ToString() + " appears in a JS regular expression");
    case HtmlState::kCssDoubleString:
    case HtmlState::kCssSingleString:
    case HtmlState::kCssUrl:
      return Fail(node, node.ToString() + " appears in a string or URL of CSS");
    default:
      escapers.push_back(Escaper::kHtmlComment);
      break;
  }
  if (context->delim == HtmlDelim::kSpaceOrTagEnd) {
    escapers.push_back(Escaper::kHtmlNoSpace);
  } else if (context->delim != HtmlDelim::kNone) {
    escapers.push_back(Escaper::kHtmlAttr);
  }
  return escapers;
}

Result<NodePtr> HtmlRewriter::Action(const ActionNode& node, HtmlContext* context) const {
  auto copy = std::make_shared<ActionNode>(node.position, node.pipe);
  if (!node.pipe->declarations.empty()) return NodePtr(std::move(copy));
  *context = Nudged(*context);
  const auto& commands = node.pipe->commands;
  const std::string* last = nullptr;
  for (size_t i = 0; i < commands.size(); ++i) {
    if (!IsPredefinedEscaper(*commands[i])) continue;
    last = &static_cast<const IdentifierNode&>(*commands[i]->args[0]).name;
    const bool unquoted = context->state == HtmlState::kAttr &&
                          context->delim == HtmlDelim::kSpaceOrTagEnd && *last == "html";
    if (i + 1 < commands.size() || unquoted) {
      return Fail(node, "predefined escaper " + QuoteText(*last) + " disallowed in template");
    }
  }
  copy->escapers = TRY(Escapers(node, context));
  // `| html` at the end does the work of ours.
  if (last != nullptr) {
    const bool html = *last == "html";
    const auto same = [html](Escaper escaper) {
      return html ? escaper == Escaper::kHtml || escaper == Escaper::kHtmlAttr ||
                        escaper == Escaper::kRcdata
                  : escaper == Escaper::kUrlQuery || escaper == Escaper::kUrlNormalize;
    };
    const auto begin = std::remove_if(copy->escapers.begin(), copy->escapers.end(), same);
    copy->escapers.erase(begin, copy->escapers.end());
  }
  return NodePtr(std::move(copy));
}

Result<HtmlContext> HtmlRewriter::Join(const HtmlContext& a, const HtmlContext& b, const Node& node,
                                       std::string_view what) const {
  if (a == b) return a;
  HtmlContext joined = a;
  joined.url_part = b.url_part;
  if (joined == b) {
    joined.url_part = UrlPart::kUnknown;
    return joined;
  }
  joined = a;
  joined.slash = b.slash;
  if (joined == b) {
    joined.slash = JsSlash::kUnknown;
    return joined;
  }
  const HtmlContext nudged_a = Nudged(a);
  const HtmlContext nudged_b = Nudged(b);
  if (!(nudged_a == a && nudged_b == b)) return Join(nudged_a, nudged_b, node, what);
  return Fail(node, std::string(what));
}

Result<NodePtr> HtmlRewriter::Branch(const BranchNode& node, HtmlContext* context) {
  auto copy = std::make_shared<BranchNode>(node.branch, node.position);
  copy->pipe = node.pipe;
  const bool is_range = node.branch == BranchKind::kRange;
  std::vector<HtmlContext> jumps;
  std::vector<HtmlContext>* const outer = jumps_;
  if (is_range) jumps_ = &jumps;
  RewrittenList body = TRY(List(*context, *node.body));
  if (is_range) {
    // The body runs again where it ended.
    for (const HtmlContext& jump : std::vector<HtmlContext>(jumps)) {
      body.after = TRY(Join(body.after, jump, node, "at range loop break: contexts differ"));
    }
    HtmlContext start =
        TRY(Join(*context, body.after, node, "on range loop re-entry: contexts differ"));
    RewrittenList again = TRY(List(start, *node.body));
    again.after = TRY(Join(again.after, start, node, "on range loop re-entry: contexts differ"));
    body = std::move(again);
  }
  jumps_ = outer;
  copy->body = std::move(body.list);
  HtmlContext other = *context;
  if (node.otherwise != nullptr) {
    RewrittenList otherwise = TRY(List(*context, *node.otherwise));
    copy->otherwise = std::move(otherwise.list);
    other = std::move(otherwise.after);
  }
  const std::string_view word = is_range ? "range" : node.branch == BranchKind::kIf ? "if" : "with";
  *context = TRY(Join(body.after, other, node,
                      "{{" + std::string(word) + "}} branches end in different contexts"));
  return NodePtr(std::move(copy));
}

Result<NodePtr> HtmlRewriter::Call(const TemplateNode& node, HtmlContext* context) {
  if (definitions_.find(node.name) == definitions_.end()) {
    return Fail(node, "no such template " + QuoteText(node.name));
  }
  std::string derived;
  const HtmlContext before = Nudged(*context);
  *context = TRY(Template(node.name, before, &derived));
  auto copy = std::make_shared<TemplateNode>(node.position, std::move(derived));
  copy->pipe = node.pipe;
  return NodePtr(std::move(copy));
}

}  // namespace

Result<EscapedTemplates> EscapeTemplates(const Definitions& definitions, std::string_view entry) {
  HtmlRewriter rewriter(definitions);
  EscapedTemplates escaped;
  const HtmlContext end = TRY(rewriter.Template(entry, HtmlContext{}, &escaped.entry));
  if (end.state != HtmlState::kText) {
    return BadData("html/template:" + std::string(entry) + (entry.empty() ? "" : ":") +
                   " ends in a non-text context");
  }
  escaped.definitions = rewriter.Take();
  return escaped;
}

}  // namespace vigil::tmpl
