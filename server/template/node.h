// SPDX-License-Identifier: Apache-2.0
// The tree of a parsed template. Nodes are immutable and shared once parsed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vigil::tmpl {

enum class NodeKind : uint8_t {
  kText,
  kList,
  kAction,
  kBranch,
  kTemplate,
  kBreak,
  kContinue,
  kPipe,
  kCommand,
  kField,
  kVariable,
  kChain,
  kIdentifier,
  kDot,
  kNil,
  kBool,
  kNumber,
  kString,
};

// The text a tree was parsed from: errors say where in it.
struct Source {
  std::string name;
  std::string text;
};

struct Node {
  Node(NodeKind node_kind, size_t at) : kind(node_kind), position(at) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // As errors quote it: the node written out again.
  [[nodiscard]] virtual std::string ToString() const = 0;

  const NodeKind kind;
  const size_t position;  // byte in the source's text
};
using NodePtr = std::shared_ptr<const Node>;

struct TextNode : Node {
  TextNode(size_t at, std::string content) : Node(NodeKind::kText, at), text(std::move(content)) {}
  [[nodiscard]] std::string ToString() const override { return text; }
  std::string text;
};

struct ListNode : Node {
  explicit ListNode(size_t at) : Node(NodeKind::kList, at) {}
  [[nodiscard]] std::string ToString() const override;
  std::vector<NodePtr> nodes;
};
using ListPtr = std::shared_ptr<const ListNode>;

// .A.B
struct FieldNode : Node {
  FieldNode(size_t at, std::vector<std::string> path)
      : Node(NodeKind::kField, at), fields(std::move(path)) {}
  [[nodiscard]] std::string ToString() const override;
  std::vector<std::string> fields;
};

// $x or $x.A.B
struct VariableNode : Node {
  VariableNode(size_t at, std::string variable, std::vector<std::string> path)
      : Node(NodeKind::kVariable, at), name(std::move(variable)), fields(std::move(path)) {}
  [[nodiscard]] std::string ToString() const override;
  std::string name;  // with its $
  std::vector<std::string> fields;
};

// (pipeline).A.B
struct ChainNode : Node {
  ChainNode(size_t at, NodePtr first, std::vector<std::string> path)
      : Node(NodeKind::kChain, at), node(std::move(first)), fields(std::move(path)) {}
  [[nodiscard]] std::string ToString() const override;
  NodePtr node;
  std::vector<std::string> fields;
};

// A function's name.
struct IdentifierNode : Node {
  IdentifierNode(size_t at, std::string function)
      : Node(NodeKind::kIdentifier, at), name(std::move(function)) {}
  [[nodiscard]] std::string ToString() const override { return name; }
  std::string name;
};

// . and nil and true
struct WordNode : Node {
  WordNode(NodeKind node_kind, size_t at, std::string content)
      : Node(node_kind, at), text(std::move(content)) {}
  [[nodiscard]] std::string ToString() const override { return text; }
  std::string text;
};

struct NumberNode : Node {
  NumberNode(size_t at, std::string spelling)
      : Node(NodeKind::kNumber, at), text(std::move(spelling)) {}
  [[nodiscard]] std::string ToString() const override { return text; }
  std::string text;
  bool is_int = false, is_uint = false, is_float = false;
  int64_t int_value = 0;
  uint64_t uint_value = 0;
  double float_value = 0;
  // Written as a float (1.5, 1e3): as an argument of any type it stays one.
  bool written_as_float = false;
};

struct StringNode : Node {
  StringNode(size_t at, std::string quoted, std::string content)
      : Node(NodeKind::kString, at), literal(std::move(quoted)), text(std::move(content)) {}
  [[nodiscard]] std::string ToString() const override { return literal; }
  std::string literal;
  std::string text;
};

// Words of a call or a single operand.
struct CommandNode : Node {
  explicit CommandNode(size_t at) : Node(NodeKind::kCommand, at) {}
  [[nodiscard]] std::string ToString() const override;
  std::vector<NodePtr> args;
};

struct PipeNode : Node {
  explicit PipeNode(size_t at) : Node(NodeKind::kPipe, at) {}
  [[nodiscard]] std::string ToString() const override;
  bool is_assign = false;  // = instead of :=
  std::vector<std::shared_ptr<const VariableNode>> declarations;
  std::vector<std::shared_ptr<const CommandNode>> commands;
};
using PipePtr = std::shared_ptr<const PipeNode>;

// What html/template puts behind a pipeline, in order of application.
enum class Escaper : uint8_t {
  kHtml,
  kHtmlAttr,
  kHtmlNoSpace,
  kRcdata,
  kHtmlComment,
  kUrlFilter,
  kUrlNormalize,
  kUrlQuery,
  kJsValue,
  kJsString,
  kCssValue,
};

struct ActionNode : Node {
  ActionNode(size_t at, PipePtr pipeline)
      : Node(NodeKind::kAction, at), pipe(std::move(pipeline)) {}
  [[nodiscard]] std::string ToString() const override;
  PipePtr pipe;
  std::vector<Escaper> escapers;  // of HTML templates only
};

enum class BranchKind : uint8_t { kIf, kWith, kRange };

struct BranchNode : Node {
  BranchNode(BranchKind kind_of_branch, size_t at)
      : Node(NodeKind::kBranch, at), branch(kind_of_branch) {}
  [[nodiscard]] std::string ToString() const override;
  const BranchKind branch;
  PipePtr pipe;
  ListPtr body;
  ListPtr otherwise;  // may be null
};

struct TemplateNode : Node {
  TemplateNode(size_t at, std::string called)
      : Node(NodeKind::kTemplate, at), name(std::move(called)) {}
  [[nodiscard]] std::string ToString() const override;
  std::string name;
  PipePtr pipe;  // may be null
};

struct JumpNode : Node {
  JumpNode(NodeKind node_kind, size_t at) : Node(node_kind, at) {}
  [[nodiscard]] std::string ToString() const override {
    return kind == NodeKind::kBreak ? "{{break}}" : "{{continue}}";
  }
};

// One template: its body and where it came from.
struct Definition {
  std::string name;
  std::shared_ptr<const Source> source;
  ListPtr body;

  // Nothing but space and comments: does not replace a template that has something in it.
  [[nodiscard]] bool IsEmpty() const;
};
using DefinitionPtr = std::shared_ptr<const Definition>;
using Definitions = std::map<std::string, DefinitionPtr, std::less<>>;

}  // namespace vigil::tmpl
