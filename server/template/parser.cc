// SPDX-License-Identifier: Apache-2.0
// Recursive descent over the lexer's tokens, with up to three of them pushed back.
#include "server/template/parser.h"

#include <array>
#include <optional>
#include <utility>

#include "server/template/lexer.h"
#include "server/template/number.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

using K = TokenKind;

enum class ListEnd { kEndOfText, kEnd, kElse };

struct ParsedList {
  ListPtr list;
  ListEnd end = ListEnd::kEndOfText;
};

// Fields of ".A.B"; a name in front is not among them.
std::vector<std::string> PathOf(std::string_view text) {
  std::vector<std::string> path;
  size_t at = text.find('.');
  while (at != std::string_view::npos) {
    const size_t next = text.find('.', at + 1);
    path.emplace_back(text.substr(at + 1, next == std::string_view::npos ? next : next - at - 1));
    at = next;
  }
  return path;
}

// Threads: owner thread only.
class TemplateParser {
 public:
  TemplateParser(std::shared_ptr<const Source> source, const ParseOptions& options)
      : source_(std::move(source)), options_(options), lexer_(source_->text) {}

  Result<Definitions> Run();

 private:
  // Tokens
  Token Next();
  Token NextNonSpace();
  const Token& Peek();
  const Token& PeekNonSpace();
  void Backup() { ++pushed_back_; }
  Result<Token> Expect(K kind, std::string_view context);

  // Errors
  [[nodiscard]] Error Fail(const std::string& message) const;
  [[nodiscard]] Error Unexpected(const Token& token, std::string_view context) const;

  // Texts and control
  Result<void> AddDefinition(std::string name, ListPtr body);
  Result<void> ParseDefine();
  Result<ParsedList> ParseList(size_t position, std::string_view context, bool top);
  Result<NodePtr> Action(ParsedList* list);
  Result<NodePtr> Branch(BranchKind kind, size_t position);
  Result<void> ElseOf(BranchNode* node);
  Result<NodePtr> Block();
  Result<NodePtr> TemplateCall();
  Result<NodePtr> Jump(NodeKind kind, const Token& word);
  Result<std::string> TemplateName(const Token& token, std::string_view context);

  // Pipelines
  Result<PipePtr> Pipeline(std::string_view context, K end);
  Result<void> Declarations(std::string_view context, PipeNode* pipe);
  Result<void> CheckPipeline(const PipeNode& pipe, std::string_view context) const;
  Result<std::shared_ptr<const CommandNode>> Command();
  Result<NodePtr> Operand();
  Result<NodePtr> Term();
  Result<NodePtr> Number(const Token& token);
  Result<NodePtr> Variable(const Token& token);

  std::shared_ptr<const Source> source_;
  const ParseOptions& options_;
  Lexer lexer_;
  // The last three tokens, newest first, of which so many are to be read again.
  std::array<Token, 4> tokens_;
  size_t pushed_back_ = 0;
  int action_line_ = 0;
  int range_depth_ = 0;
  size_t depth_ = 0;
  std::vector<std::string> variables_ = {"$"};
  Definitions definitions_;
};

Token TemplateParser::Next() {
  if (pushed_back_ > 0) return tokens_[--pushed_back_];
  for (size_t i = tokens_.size() - 1; i > 0; --i) tokens_[i] = std::move(tokens_[i - 1]);
  tokens_[0] = lexer_.Next();
  return tokens_[0];
}

Token TemplateParser::NextNonSpace() {
  Token token = Next();
  while (token.kind == K::kSpace) token = Next();
  return token;
}

const Token& TemplateParser::Peek() {
  static_cast<void>(Next());
  Backup();
  return tokens_[pushed_back_ - 1];
}

const Token& TemplateParser::PeekNonSpace() {
  static_cast<void>(NextNonSpace());
  Backup();
  return tokens_[pushed_back_ - 1];
}

Error TemplateParser::Fail(const std::string& message) const {
  return BadData("template: " + source_->name + ":" + std::to_string(tokens_[0].line) + ": " +
                 message);
}

Error TemplateParser::Unexpected(const Token& token, std::string_view context) const {
  if (token.kind != K::kError) {
    return Fail("unexpected " + token.Shown() + " in " + std::string(context));
  }
  std::string message = token.text;
  if (action_line_ != 0 && action_line_ != token.line) {
    // Not "action in action".
    message += message.ends_with(" action") ? "" : " in action";
    message += " started at " + source_->name + ":" + std::to_string(action_line_);
  }
  return Fail(message);
}

Result<Token> TemplateParser::Expect(K kind, std::string_view context) {
  Token token = NextNonSpace();
  if (token.kind != kind) return Unexpected(token, context);
  return token;
}

Result<void> TemplateParser::AddDefinition(std::string name, ListPtr body) {
  auto definition = std::make_shared<Definition>();
  definition->name = name;
  definition->source = source_;
  definition->body = std::move(body);
  DefinitionPtr& slot = definitions_[std::move(name)];
  if (slot == nullptr || slot->IsEmpty()) {
    slot = std::move(definition);
  } else if (!definition->IsEmpty()) {
    return Fail("template: multiple definition of template " + QuoteText(definition->name));
  }
  return Ok();
}

Result<Definitions> TemplateParser::Run() {
  ParsedList top = TRY(ParseList(0, "input", true));
  TRY(AddDefinition(source_->name, std::move(top.list)));
  return std::move(definitions_);
}

Result<void> TemplateParser::ParseDefine() {
  constexpr std::string_view kContext = "define clause";
  const Token token = NextNonSpace();
  std::string name = TRY(TemplateName(token, kContext));
  TRY(Expect(K::kRightDelim, kContext));
  const std::vector<std::string> outside = std::exchange(variables_, {"$"});
  const int ranges = std::exchange(range_depth_, 0);
  ParsedList body = TRY(ParseList(PeekNonSpace().position, "define clause", false));
  if (body.end == ListEnd::kElse) return Fail("unexpected {{else}} in define clause");
  variables_ = outside;
  range_depth_ = ranges;
  return AddDefinition(std::move(name), std::move(body.list));
}

Result<ParsedList> TemplateParser::ParseList(size_t position, std::string_view context, bool top) {
  if (++depth_ > options_.max_depth) {
    return Fail("actions are nested more than " + std::to_string(options_.max_depth) +
                " deep; split the template");
  }
  auto list = std::make_shared<ListNode>(position);
  ParsedList parsed;
  for (;;) {
    const Token token = Next();
    if (token.kind == K::kEnd) {
      if (!top) return Fail("unexpected EOF");
      break;
    }
    if (token.kind == K::kText) {
      list->nodes.push_back(std::make_shared<TextNode>(token.position, token.text));
      continue;
    }
    if (token.kind != K::kLeftDelim) return Unexpected(token, "input");
    action_line_ = token.line;
    if (top && PeekNonSpace().kind == K::kDefine) {
      static_cast<void>(NextNonSpace());
      TRY(ParseDefine());
      action_line_ = 0;
      continue;
    }
    parsed.end = ListEnd::kEndOfText;
    NodePtr node = TRY(Action(&parsed));
    action_line_ = 0;
    if (parsed.end == ListEnd::kEndOfText) {
      list->nodes.push_back(std::move(node));
      continue;
    }
    if (top) {
      return Fail(parsed.end == ListEnd::kEnd ? "unexpected {{end}}" : "unexpected {{else}}");
    }
    break;
  }
  static_cast<void>(context);
  --depth_;
  parsed.list = std::move(list);
  return parsed;
}

// Null with list->end set for {{end}} and {{else}}.
Result<NodePtr> TemplateParser::Action(ParsedList* list) {
  const Token token = NextNonSpace();
  switch (token.kind) {
    case K::kBlock:
      return Block();
    case K::kBreak:
      return Jump(NodeKind::kBreak, token);
    case K::kContinue:
      return Jump(NodeKind::kContinue, token);
    case K::kIf:
      return Branch(BranchKind::kIf, token.position);
    case K::kRange:
      return Branch(BranchKind::kRange, token.position);
    case K::kWith:
      return Branch(BranchKind::kWith, token.position);
    case K::kTemplate:
      return TemplateCall();
    case K::kEndWord:
      TRY(Expect(K::kRightDelim, "end"));
      list->end = ListEnd::kEnd;
      return NodePtr();
    case K::kElse: {
      const K next = PeekNonSpace().kind;
      // {{else if}}: the words behind are read by the branch.
      if (next != K::kIf && next != K::kWith) TRY(Expect(K::kRightDelim, "else"));
      list->end = ListEnd::kElse;
      return NodePtr();
    }
    default:
      break;
  }
  Backup();
  const size_t position = Peek().position;
  PipePtr pipe = TRY(Pipeline("command", K::kRightDelim));
  return NodePtr(std::make_shared<ActionNode>(position, std::move(pipe)));
}

Result<NodePtr> TemplateParser::Jump(NodeKind kind, const Token& word) {
  const Token token = NextNonSpace();
  const std::string name = kind == NodeKind::kBreak ? "break" : "continue";
  if (token.kind != K::kRightDelim) return Unexpected(token, "{{" + name + "}}");
  if (range_depth_ == 0) return Fail("{{" + name + "}} outside {{range}}");
  return NodePtr(std::make_shared<JumpNode>(kind, word.position));
}

Result<NodePtr> TemplateParser::Branch(BranchKind kind, size_t) {
  const std::string_view context = kind == BranchKind::kIf     ? "if"
                                   : kind == BranchKind::kWith ? "with"
                                                               : "range";
  const size_t variables = variables_.size();
  PipePtr pipe = TRY(Pipeline(context, K::kRightDelim));
  auto node = std::make_shared<BranchNode>(kind, pipe->position);
  node->pipe = std::move(pipe);
  if (kind == BranchKind::kRange) ++range_depth_;
  ParsedList body = TRY(ParseList(PeekNonSpace().position, context, false));
  if (kind == BranchKind::kRange) --range_depth_;
  node->body = std::move(body.list);
  if (body.end == ListEnd::kElse) TRY(ElseOf(node.get()));
  variables_.resize(variables);
  return NodePtr(std::move(node));
}

Result<void> TemplateParser::ElseOf(BranchNode* node) {
  const Token next = PeekNonSpace();
  const bool chained = (next.kind == K::kIf && node->branch == BranchKind::kIf) ||
                       (next.kind == K::kWith && node->branch == BranchKind::kWith);
  if (!chained && (next.kind == K::kIf || next.kind == K::kWith)) {
    static_cast<void>(NextNonSpace());
    return Unexpected(next, "else");
  }
  if (!chained) {
    ParsedList rest = TRY(ParseList(next.position, "else", false));
    if (rest.end == ListEnd::kElse) return Fail("expected end; found {{else}}");
    node->otherwise = std::move(rest.list);
    return Ok();
  }
  // {{if a}}_{{else if b}}_{{end}} is {{if a}}_{{else}}{{if b}}_{{end}}{{end}}.
  static_cast<void>(NextNonSpace());
  if (++depth_ > options_.max_depth) {
    return Fail("actions are nested more than " + std::to_string(options_.max_depth) +
                " deep; split the template");
  }
  auto list = std::make_shared<ListNode>(next.position);
  list->nodes.push_back(TRY(Branch(node->branch, next.position)));
  --depth_;
  node->otherwise = std::move(list);
  return Ok();
}

Result<std::string> TemplateParser::TemplateName(const Token& token, std::string_view context) {
  std::string name;
  if (token.kind != K::kString && token.kind != K::kRawString) return Unexpected(token, context);
  if (!Unquote(token.text, &name)) return Fail("invalid syntax");
  return name;
}

Result<NodePtr> TemplateParser::Block() {
  constexpr std::string_view kContext = "block clause";
  const Token token = NextNonSpace();
  std::string name = TRY(TemplateName(token, kContext));
  auto node = std::make_shared<TemplateNode>(token.position, name);
  node->pipe = TRY(Pipeline(kContext, K::kRightDelim));
  const std::vector<std::string> outside = std::exchange(variables_, {"$"});
  const int ranges = std::exchange(range_depth_, 0);
  ParsedList body = TRY(ParseList(PeekNonSpace().position, "block clause", false));
  if (body.end == ListEnd::kElse) return Fail("unexpected {{else}} in block clause");
  variables_ = outside;
  range_depth_ = ranges;
  TRY(AddDefinition(std::move(name), std::move(body.list)));
  return NodePtr(std::move(node));
}

Result<NodePtr> TemplateParser::TemplateCall() {
  constexpr std::string_view kContext = "template clause";
  const Token token = NextNonSpace();
  std::string name = TRY(TemplateName(token, kContext));
  auto node = std::make_shared<TemplateNode>(token.position, std::move(name));
  if (NextNonSpace().kind != K::kRightDelim) {
    Backup();
    // The pipeline may not declare variables that live on.
    node->pipe = TRY(Pipeline(kContext, K::kRightDelim));
  }
  return NodePtr(std::move(node));
}

Result<PipePtr> TemplateParser::Pipeline(std::string_view context, K end) {
  if (++depth_ > options_.max_depth) {
    return Fail("parentheses are nested more than " + std::to_string(options_.max_depth) +
                " deep; use variables");
  }
  auto pipe = std::make_shared<PipeNode>(PeekNonSpace().position);
  TRY(Declarations(context, pipe.get()));
  for (;;) {
    const Token token = NextNonSpace();
    if (token.kind == end) break;
    switch (token.kind) {
      case K::kBool:
      case K::kCharConstant:
      case K::kDot:
      case K::kField:
      case K::kIdentifier:
      case K::kNumber:
      case K::kNil:
      case K::kRawString:
      case K::kString:
      case K::kVariable:
      case K::kLeftParen:
        Backup();
        pipe->commands.push_back(TRY(Command()));
        break;
      default:
        return Unexpected(token, context);
    }
  }
  TRY(CheckPipeline(*pipe, context));
  --depth_;
  return PipePtr(std::move(pipe));
}

// $x := , $x = , and in range $i, $x := . `$x` alone is an operand: it is read again.
Result<void> TemplateParser::Declarations(std::string_view context, PipeNode* pipe) {
  for (;;) {
    const Token variable = PeekNonSpace();
    if (variable.kind != K::kVariable) return Ok();
    static_cast<void>(Next());
    // A space behind the variable must come back if it is an operand.
    const Token after = Peek();
    const Token next = PeekNonSpace();
    const bool comma = next.kind == K::kChar && next.text == ",";
    if (next.kind != K::kAssign && next.kind != K::kDeclare && !comma) {
      if (after.kind == K::kSpace) Backup();
      Backup();
      return Ok();
    }
    if (comma && (context != "range" || !pipe->declarations.empty())) {
      static_cast<void>(NextNonSpace());
      if (context == "range") return Fail("too many declarations in range");
      return Unexpected(next, context);
    }
    pipe->is_assign = next.kind == K::kAssign;
    static_cast<void>(NextNonSpace());
    pipe->declarations.push_back(std::make_shared<VariableNode>(variable.position, variable.text,
                                                                std::vector<std::string>()));
    variables_.push_back(variable.text);
    if (!comma) return Ok();
    const K kind = PeekNonSpace().kind;
    if (kind != K::kVariable) {
      if (kind == K::kRightDelim || kind == K::kRightParen) {
        return Fail("range can only initialize variables");
      }
      return Fail("range can only initialize variables");
    }
  }
}

Result<void> TemplateParser::CheckPipeline(const PipeNode& pipe, std::string_view context) const {
  if (pipe.commands.empty()) return Fail("missing value for " + std::string(context));
  // Only the first command may be a value that takes no argument.
  for (size_t i = 1; i < pipe.commands.size(); ++i) {
    switch (pipe.commands[i]->args[0]->kind) {
      case NodeKind::kBool:
      case NodeKind::kDot:
      case NodeKind::kNil:
      case NodeKind::kNumber:
      case NodeKind::kString:
        return Fail("non executable command in pipeline stage " + std::to_string(i + 1));
      default:
        break;
    }
  }
  return Ok();
}

Result<std::shared_ptr<const CommandNode>> TemplateParser::Command() {
  auto command = std::make_shared<CommandNode>(PeekNonSpace().position);
  for (;;) {
    static_cast<void>(PeekNonSpace());  // skips spaces in front
    NodePtr operand = TRY(Operand());
    if (operand != nullptr) command->args.push_back(std::move(operand));
    const Token token = Next();
    if (token.kind == K::kSpace) continue;
    if (token.kind == K::kRightDelim || token.kind == K::kRightParen) {
      Backup();
    } else if (token.kind != K::kPipe) {
      return Unexpected(token, "operand");
    }
    break;
  }
  if (command->args.empty()) return Fail("empty command");
  return std::shared_ptr<const CommandNode>(std::move(command));
}

Result<NodePtr> TemplateParser::Operand() {
  NodePtr node = TRY(Term());
  if (node == nullptr || Peek().kind != K::kField) return node;
  const size_t position = Peek().position;
  std::vector<std::string> path;
  while (Peek().kind == K::kField) path.push_back(Next().text.substr(1));
  const auto behind = [&](std::vector<std::string> fields) {
    fields.insert(fields.end(), path.begin(), path.end());
    return fields;
  };
  switch (node->kind) {
    case NodeKind::kField:
      return NodePtr(std::make_shared<FieldNode>(
          position, behind(static_cast<const FieldNode&>(*node).fields)));
    case NodeKind::kVariable: {
      const auto& variable = static_cast<const VariableNode&>(*node);
      return NodePtr(
          std::make_shared<VariableNode>(position, variable.name, behind(variable.fields)));
    }
    case NodeKind::kBool:
    case NodeKind::kString:
    case NodeKind::kNumber:
    case NodeKind::kNil:
    case NodeKind::kDot:
      return Fail("unexpected . after term " + QuoteText(node->ToString()));
    default:
      return NodePtr(std::make_shared<ChainNode>(position, std::move(node), std::move(path)));
  }
}

Result<NodePtr> TemplateParser::Number(const Token& token) {
  std::string error;
  NodePtr node = ParseNumber(token.position, token.text, token.kind == K::kCharConstant, &error);
  if (node == nullptr) return Fail(error);
  return node;
}

Result<NodePtr> TemplateParser::Variable(const Token& token) {
  for (const std::string& known : variables_) {
    if (known == token.text) {
      return NodePtr(std::make_shared<VariableNode>(token.position, token.text, PathOf("")));
    }
  }
  return Fail("undefined variable " + QuoteText(token.text));
}

// Null when no operand begins here.
Result<NodePtr> TemplateParser::Term() {
  const Token token = NextNonSpace();
  switch (token.kind) {
    case K::kIdentifier:
      if (!options_.has_function(token.text)) {
        return Fail("function " + QuoteText(token.text) + " not defined");
      }
      return NodePtr(std::make_shared<IdentifierNode>(token.position, token.text));
    case K::kDot:
      return NodePtr(std::make_shared<WordNode>(NodeKind::kDot, token.position, "."));
    case K::kNil:
      return NodePtr(std::make_shared<WordNode>(NodeKind::kNil, token.position, "nil"));
    case K::kBool:
      return NodePtr(std::make_shared<WordNode>(NodeKind::kBool, token.position, token.text));
    case K::kVariable:
      return Variable(token);
    case K::kField:
      return NodePtr(std::make_shared<FieldNode>(token.position, PathOf(token.text)));
    case K::kCharConstant:
    case K::kNumber:
      return Number(token);
    case K::kLeftParen:
      return NodePtr(TRY(Pipeline("parenthesized pipeline", K::kRightParen)));
    case K::kString:
    case K::kRawString: {
      std::string text;
      if (!Unquote(token.text, &text)) return Fail("invalid syntax");
      return NodePtr(std::make_shared<StringNode>(token.position, token.text, std::move(text)));
    }
    default:
      break;
  }
  Backup();
  return NodePtr();
}

}  // namespace

Result<Definitions> ParseTemplates(std::string_view name, std::string_view text,
                                   const ParseOptions& options) {
  auto source = std::make_shared<Source>();
  source->name = name;
  source->text = text;
  return TemplateParser(std::move(source), options).Run();
}

}  // namespace vigil::tmpl
