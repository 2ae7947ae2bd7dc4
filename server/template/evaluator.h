// SPDX-License-Identifier: Apache-2.0
// Walks a template's tree and writes its text.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/template/template.h"

namespace vigil::tmpl {

// One expansion. What it refers to must outlive it.
// Threads: owner thread only.
class Evaluator {
 public:
  // `functions` are sorted by name.
  Evaluator(const Definitions& definitions, std::span<const FunctionRow> functions,
            const Environment& environment, const Limits& limits);
  // Once. `cut`: see TemplateSet::Execute().
  Result<std::string> Run(const Definition& definition, const Value& data, bool* cut = nullptr);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  // Arguments of a call as nodes, and what came by the pipeline (null: nothing).
  struct Arguments {
    std::span<const NodePtr> nodes;
    const Value* piped = nullptr;

    [[nodiscard]] size_t count() const { return nodes.size() + (piped != nullptr ? 1 : 0); }
  };
  struct Variable {
    std::string_view name;
    Value value;
  };

  // Errors name the node that `at_` points to.
  [[nodiscard]] Error Fail(const std::string& message) const;
  void At(const Node& node) { at_ = &node; }
  Result<void> Step(const Node& node, uint64_t cost = 1);
  Result<void> Write(std::string_view text);

  // Walking
  Result<Flow> WalkList(const Value& dot, const ListNode& list);
  Result<Flow> Walk(const Value& dot, const Node& node);
  Result<void> WalkAction(const Value& dot, const ActionNode& action);
  Result<Flow> WalkBranch(const Value& dot, const BranchNode& branch);
  Result<Flow> WalkRange(const Value& dot, const BranchNode& range);
  Result<Flow> Iterate(const BranchNode& range, const Value& index, const Value& element);
  Result<void> WalkTemplate(const Value& dot, const TemplateNode& call);
  Result<void> Print(const Node& node, const Value& value);

  // Pipelines and operands
  Result<Value> Pipeline(const Value& dot, const PipeNode& pipe);
  Result<Value> Command(const Value& dot, const CommandNode& command, const Value* piped);
  Result<Value> Literal(const Value& dot, const Node& word);
  Result<Value> Variables(const Value& dot, const VariableNode& variable, const Arguments& args);
  Result<Value> Fields(const Value& dot, Value receiver, const Node& node,
                       std::span<const std::string> path, const Arguments& args);
  Result<Value> Field(const Value& dot, const Value& receiver, const Node& node,
                      const std::string& name, const Arguments& args);
  Result<Value> Chain(const Value& dot, const ChainNode& chain, const Arguments& args);
  Result<void> NotAFunction(const NodePtr& first, const Arguments& args) const;

  // Calls
  Result<Value> CallFunction(const Value& dot, const IdentifierNode& word, const Node& node,
                             const Arguments& args);
  Result<Value> ShortCircuit(const Value& dot, bool is_or, const Arguments& args);
  Result<std::vector<Value>> EvaluateArguments(const Value& dot, std::string_view name,
                                               const Signature& signature, const Arguments& args);
  Result<Value> Argument(const Value& dot, Param param, const Node& node);
  Result<Value> ArgumentLiteral(const Value& dot, Param param, const Node& node);
  Result<Value> Checked(Value value, Param param) const;
  Result<Value> Returned(Result<Value> result, std::string_view name, const Node& node);

  void SetVariable(std::string_view name, Value value);
  [[nodiscard]] const Value* FindVariable(std::string_view name) const;

  const Definitions& definitions_;
  std::span<const FunctionRow> functions_;
  const Environment& environment_;
  const Limits& limits_;
  const int64_t deadline_ns_;

  const Definition* definition_ = nullptr;
  const Node* at_ = nullptr;
  std::vector<Variable> variables_;
  size_t first_variable_ = 0;  // of the template that runs
  size_t depth_ = 0;
  uint64_t steps_ = 0;
  bool may_cut_ = false;
  std::string out_;
};

}  // namespace vigil::tmpl
