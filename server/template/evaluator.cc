// SPDX-License-Identifier: Apache-2.0
// Control, text, variables; expressions are in evaluator_operand.cc and evaluator_call.cc.
#include "server/template/evaluator.h"

#include <algorithm>

#include "server/template/format.h"
#include "server/template/html_escape.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr uint64_t kStepsPerLook = 256;  // at the clock

// Restores a value at the end of a scope.
template <typename T>
class Restored {
 public:
  explicit Restored(T* place) : place_(place), value_(*place) {}
  ~Restored() { *place_ = value_; }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  T* place_;
  T value_;
};

}  // namespace

Evaluator::Evaluator(const Definitions& definitions, std::span<const FunctionRow> functions,
                     const Environment& environment, const Limits& limits)
    : definitions_(definitions),
      functions_(functions),
      environment_(environment),
      limits_(limits),
      deadline_ns_(environment.clock->MonotonicNs() + limits.max_run_ms * 1'000'000) {}

Result<std::string> Evaluator::Run(const Definition& definition, const Value& data, bool* cut) {
  definition_ = &definition;
  may_cut_ = cut != nullptr;
  variables_.push_back({"$", data});
  const Result<Flow> walked = WalkList(data, *definition.body);
  if (!walked && !(may_cut_ && IsLimitError(walked.error()))) return walked.error();
  if (may_cut_) *cut = !walked;
  return std::move(out_);
}

Error Evaluator::Fail(const std::string& message) const {
  const std::string& name = definition_->name;
  if (at_ == nullptr) return ExecutionError("template: " + name + ": " + message);
  const std::string& text = definition_->source->text;
  const auto position = static_cast<ptrdiff_t>(std::min(at_->position, text.size()));
  const auto line = 1 + std::count(text.begin(), text.begin() + position, '\n');
  const size_t newline =
      position == 0 ? std::string::npos : text.rfind('\n', static_cast<size_t>(position) - 1);
  const size_t column =
      static_cast<size_t>(position) - (newline == std::string::npos ? 0 : newline + 1);
  return ExecutionError("template: " + definition_->source->name + ":" + std::to_string(line) +
                        ":" + std::to_string(column) + ": executing " + QuoteText(name) + " at <" +
                        at_->ToString() + ">: " + message);
}

Result<void> Evaluator::Step(const Node& node, uint64_t cost) {
  const uint64_t before = steps_;
  steps_ += cost;
  if (steps_ > limits_.max_steps) {
    At(node);
    return Fail("the template takes more than " + std::to_string(limits_.max_steps) +
                " steps; simplify it or give it less data");
  }
  if (before / kStepsPerLook != steps_ / kStepsPerLook &&
      environment_.clock->MonotonicNs() > deadline_ns_) {
    At(node);
    Error late = Fail("the template runs longer than " + std::to_string(limits_.max_run_ms) +
                      " ms; simplify it or give it less data");
    late.kind = ErrorKind::kTimeout;
    return late;
  }
  return Ok();
}

Result<void> Evaluator::Write(std::string_view text) {
  if (out_.size() + text.size() > limits_.max_output_bytes) {
    if (may_cut_) out_ += text.substr(0, limits_.max_output_bytes - out_.size());
    return Fail("the output is larger than " + std::to_string(limits_.max_output_bytes) +
                " bytes; shorten the template or its data");
  }
  out_ += text;
  return Ok();
}

Result<Evaluator::Flow> Evaluator::WalkList(const Value& dot, const ListNode& list) {
  const Restored depth(&depth_);
  if (++depth_ > limits_.max_depth) {
    return Fail("templates are nested more than " + std::to_string(limits_.max_depth) +
                " deep; look for one that calls itself without end");
  }
  for (const NodePtr& node : list.nodes) {
    const Flow flow = TRY(Walk(dot, *node));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::Walk(const Value& dot, const Node& node) {
  At(node);
  TRY(Step(node));
  switch (node.kind) {
    case NodeKind::kText:
      TRY(Write(static_cast<const TextNode&>(node).text));
      break;
    case NodeKind::kAction:
      TRY(WalkAction(dot, static_cast<const ActionNode&>(node)));
      break;
    case NodeKind::kTemplate:
      TRY(WalkTemplate(dot, static_cast<const TemplateNode&>(node)));
      break;
    case NodeKind::kBreak:
      return Flow::kBreak;
    case NodeKind::kContinue:
      return Flow::kContinue;
    case NodeKind::kBranch: {
      const auto& branch = static_cast<const BranchNode&>(node);
      if (branch.branch == BranchKind::kRange) return WalkRange(dot, branch);
      return WalkBranch(dot, branch);
    }
    default:
      return WalkList(dot, static_cast<const ListNode&>(node));
  }
  return Flow::kNext;
}

// Variables it declares stay until the end of the block.
Result<void> Evaluator::WalkAction(const Value& dot, const ActionNode& action) {
  Value value = TRY(Pipeline(dot, *action.pipe));
  if (!action.pipe->declarations.empty()) return Ok();
  for (const Escaper escaper : action.escapers) {
    Result<Value> escaped = EscapeHtmlValue(escaper, value, limits_.max_output_bytes);
    At(action);
    if (!escaped) return Fail(escaped.error().message);
    value = *std::move(escaped);
  }
  return Print(action, value);
}

Result<void> Evaluator::Print(const Node& node, const Value& value) {
  At(node);
  switch (value.type()) {
    case Type::kNil:
      return Write("<no value>");
    case Type::kString:
      return Write(value.string_value());
    case Type::kFunction:
      return Fail("can't print " + node.ToString() + " of type " + value.TypeName());
    default:
      break;
  }
  const Result<std::string> text = Sprint(Args(&value, 1), limits_.max_output_bytes);
  if (!text) return Fail(text.error().message);
  return Write(*text);
}

Result<Evaluator::Flow> Evaluator::WalkBranch(const Value& dot, const BranchNode& branch) {
  const size_t mark = variables_.size();
  const Value value = TRY(Pipeline(dot, *branch.pipe));
  Flow flow = Flow::kNext;
  if (value.IsTrue()) {
    flow = TRY(WalkList(branch.branch == BranchKind::kWith ? value : dot, *branch.body));
  } else if (branch.otherwise != nullptr) {
    flow = TRY(WalkList(dot, *branch.otherwise));
  }
  variables_.resize(mark);
  return flow;
}

Result<Evaluator::Flow> Evaluator::Iterate(const BranchNode& range, const Value& index,
                                           const Value& element) {
  TRY(Step(range));
  const auto& declared = range.pipe->declarations;
  const size_t mark = variables_.size();
  if (range.pipe->is_assign) {
    if (declared.size() > 1) SetVariable(declared[0]->name, index);
    SetVariable(declared[declared.size() > 1 ? 1 : 0]->name, element);
  } else if (!declared.empty()) {
    // The pipeline has put them on top, the element last.
    variables_[mark - 1].value = element;
    if (declared.size() > 1) variables_[mark - 2].value = index;
  }
  const Flow flow = TRY(WalkList(element, *range.body));
  variables_.resize(mark);
  return flow;
}

Result<Evaluator::Flow> Evaluator::WalkRange(const Value& dot, const BranchNode& range) {
  const size_t outside = variables_.size();
  const Value value = TRY(Pipeline(dot, *range.pipe));
  const Value& base = value.Base();
  size_t rounds = 0;
  const auto one = [&](const Value& index, const Value& element) -> Result<bool> {
    ++rounds;
    return TRY(Iterate(range, index, element)) != Flow::kBreak;
  };
  switch (base.kind()) {
    case Kind::kList:
      for (const Value& item : base.list().items) {
        if (!TRY(one(Value::Int(static_cast<int64_t>(rounds)), item))) break;
      }
      break;
    case Kind::kMap:
      for (const auto& [key, item] : base.map().entries) {
        if (!TRY(one(Value::String(key), item))) break;
      }
      break;
    case Kind::kInt:
      if (range.pipe->declarations.size() > 1) {
        return Fail("can't use " + ShowValue(value) + " to iterate over more than one variable");
      }
      for (int64_t i = 0; i < base.int_value(); ++i) {
        if (!TRY(one(Value::Int(i), Value::Int(i, base.type())))) break;
      }
      break;
    case Kind::kNil:
      break;
    default:
      return Fail("range can't iterate over " + ShowValue(value));
  }
  variables_.resize(outside);
  if (rounds > 0 || range.otherwise == nullptr) return Flow::kNext;
  return WalkList(dot, *range.otherwise);
}

Result<void> Evaluator::WalkTemplate(const Value& dot, const TemplateNode& call) {
  const auto found = definitions_.find(call.name);
  if (found == definitions_.end()) {
    return Fail("template " + QuoteText(call.name) + " not defined");
  }
  Value argument;
  if (call.pipe != nullptr) argument = TRY(Pipeline(dot, *call.pipe));
  // What is called sees its own variables only.
  const Restored definition(&definition_);
  const Restored first(&first_variable_);
  const size_t mark = variables_.size();
  first_variable_ = mark;
  variables_.push_back({"$", argument});
  definition_ = found->second.get();
  at_ = nullptr;
  TRY(WalkList(argument, *definition_->body));
  variables_.resize(mark);
  return Ok();
}

void Evaluator::SetVariable(std::string_view name, Value value) {
  for (size_t i = variables_.size(); i > first_variable_; --i) {
    if (variables_[i - 1].name != name) continue;
    variables_[i - 1].value = std::move(value);
    return;
  }
}

const Value* Evaluator::FindVariable(std::string_view name) const {
  for (size_t i = variables_.size(); i > first_variable_; --i) {
    if (variables_[i - 1].name == name) return &variables_[i - 1].value;
  }
  return nullptr;
}

}  // namespace vigil::tmpl
