// SPDX-License-Identifier: Apache-2.0
// Nodes written out as Go writes them in errors.
#include "server/template/node.h"

#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

void AppendPath(const std::vector<std::string>& fields, std::string* out) {
  for (const std::string& field : fields) out->append(".").append(field);
}

std::string_view BranchWord(BranchKind kind) {
  if (kind == BranchKind::kIf) return "if";
  return kind == BranchKind::kWith ? "with" : "range";
}

}  // namespace

std::string ListNode::ToString() const {
  std::string out;
  for (const NodePtr& node : nodes) out += node->ToString();
  return out;
}

std::string FieldNode::ToString() const {
  std::string out;
  AppendPath(fields, &out);
  return out;
}

std::string VariableNode::ToString() const {
  std::string out = name;
  AppendPath(fields, &out);
  return out;
}

std::string ChainNode::ToString() const {
  std::string out = node->ToString();
  if (node->kind == NodeKind::kPipe) out = "(" + out + ")";
  AppendPath(fields, &out);
  return out;
}

std::string CommandNode::ToString() const {
  std::string out;
  for (const NodePtr& arg : args) {
    if (!out.empty()) out += ' ';
    out += arg->kind == NodeKind::kPipe ? "(" + arg->ToString() + ")" : arg->ToString();
  }
  return out;
}

std::string PipeNode::ToString() const {
  std::string out;
  for (const auto& variable : declarations) {
    if (!out.empty()) out += ", ";
    out += variable->ToString();
  }
  if (!declarations.empty()) out += is_assign ? " = " : " := ";
  for (size_t i = 0; i < commands.size(); ++i) {
    if (i > 0) out += " | ";
    out += commands[i]->ToString();
  }
  return out;
}

std::string ActionNode::ToString() const { return "{{" + pipe->ToString() + "}}"; }

std::string BranchNode::ToString() const {
  std::string out = "{{" + std::string(BranchWord(branch)) + " " + pipe->ToString() + "}}";
  out += body->ToString();
  if (otherwise != nullptr) out += "{{else}}" + otherwise->ToString();
  return out + "{{end}}";
}

std::string TemplateNode::ToString() const {
  std::string out = "{{template " + QuoteText(name);
  if (pipe != nullptr) out += " " + pipe->ToString();
  return out + "}}";
}

bool Definition::IsEmpty() const {
  for (const NodePtr& node : body->nodes) {
    if (node->kind != NodeKind::kText) return false;
    if (!TrimSpaceText(static_cast<const TextNode&>(*node).text).empty()) return false;
  }
  return true;
}

}  // namespace vigil::tmpl
