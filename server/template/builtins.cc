// SPDX-License-Identifier: Apache-2.0
// Go's own functions of templates.
#include <array>
#include <limits>

#include "server/template/compare.h"
#include "server/template/format.h"
#include "server/template/function.h"
#include "server/template/rune.h"
#include "server/template/text_escape.h"

namespace vigil::tmpl {
namespace {

using enum Param;
using Call = const FunctionCall&;

Result<Value> BoolOf(Result<bool> truth) {
  if (!truth) return std::move(truth).error();
  return Value::Bool(*truth);
}

// What html, js and urlquery see of their arguments.
Result<std::string> TextOfArgs(Call call) {
  if (call.args.size() == 1 && call.args[0].type() == Type::kString) {
    return call.args[0].string_value();
  }
  std::vector<Value> shown;
  for (const Value& arg : call.args) {
    shown.push_back(arg.IsNil() ? Value::String("<no value>") : arg);
  }
  return Sprint(shown, call.max_bytes);
}

// An index or a bound of a slice; Go lets an index be as large as the length here.
Result<size_t> IndexOf(const Value& index, size_t length) {
  int64_t at = 0;
  if (index.kind() == Kind::kInt) {
    at = index.int_value();
  } else if (index.kind() == Kind::kUint) {
    at = static_cast<int64_t>(index.uint_value());
  } else if (index.IsNil()) {
    return BadData("cannot index slice/array with nil");
  } else {
    return BadData("cannot index slice/array with type " + index.TypeName());
  }
  if (at < 0 || static_cast<uint64_t>(at) > length) {
    return BadData("index out of range: " + std::to_string(at));
  }
  return static_cast<size_t>(at);
}

Result<Value> IndexOnce(const Value& item, const Value& index) {
  const Value& base = item.Base();
  if (base.kind() == Kind::kMap) {
    if (index.IsNil()) return BadData("value is nil; should be of type string");
    if (index.type() != Type::kString) {
      return BadData("value has type " + index.TypeName() + "; should be string");
    }
    return base.map().Get(index.string_value());
  }
  if (base.kind() == Kind::kString) {
    const size_t at = TRY(IndexOf(index, base.string_value().size()));
    if (at == base.string_value().size()) {
      return BadData("reflect: string index out of range");
    }
    return Value::Uint(static_cast<unsigned char>(base.string_value()[at]), Type::kUint8);
  }
  if (base.kind() == Kind::kList) {
    const size_t at = TRY(IndexOf(index, base.list().items.size()));
    if (at == base.list().items.size()) return BadData("reflect: slice index out of range");
    return base.list().items[at];
  }
  if (item.IsNil()) return BadData("index of nil pointer");
  return BadData("can't index item of type " + item.TypeName());
}

Result<Value> CallIndex(Call call) {
  if (call.args[0].IsNil()) return BadData("index of untyped nil");
  Value item = call.args[0];
  for (const Value& index : call.args.subspan(1)) item = TRY(IndexOnce(item, index));
  return item;
}

Result<Value> CallSlice(Call call) {
  const Value& item = call.args[0].Base();
  const Args bounds = call.args.subspan(1);
  if (item.IsNil()) return BadData("slice of untyped nil");
  if (bounds.size() > 3) return BadData("too many slice indexes: " + std::to_string(bounds.size()));
  size_t length = 0;
  if (item.kind() == Kind::kString) {
    if (bounds.size() == 3) return BadData("cannot 3-index slice a string");
    length = item.string_value().size();
  } else if (item.kind() == Kind::kList) {
    length = item.list().items.size();
  } else {
    return BadData("can't slice item of type " + call.args[0].TypeName());
  }
  std::array<size_t, 3> at = {0, length, length};
  for (size_t i = 0; i < bounds.size(); ++i) at[i] = TRY(IndexOf(bounds[i], length));
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (at[i] > at[i + 1] && i + 1 < std::max<size_t>(2, bounds.size())) {
      return BadData("invalid slice index: " + std::to_string(at[i]) + " > " +
                     std::to_string(at[i + 1]));
    }
  }
  if (item.kind() == Kind::kString) {
    return Value::String(item.string_value().substr(at[0], at[1] - at[0]));
  }
  auto list = std::make_shared<List>();
  list->strings = item.list().strings;
  list->depth = item.list().depth;
  const auto begin = item.list().items.begin();
  list->items.assign(begin + static_cast<ptrdiff_t>(at[0]), begin + static_cast<ptrdiff_t>(at[1]));
  return Value::Of(std::shared_ptr<const List>(std::move(list)));
}

Result<Value> CallLen(Call call) {
  const Value& item = call.args[0].Base();
  size_t length = 0;
  switch (item.kind()) {
    case Kind::kString:
      length = item.string_value().size();
      break;
    case Kind::kList:
      length = item.list().items.size();
      break;
    case Kind::kMap:
      length = item.map().entries.size();
      break;
    case Kind::kNil:
      return BadData("reflect: call of reflect.Value.Type on zero Value");
    default:
      return BadData("len of type " + call.args[0].TypeName());
  }
  return Value::Int(static_cast<int64_t>(length));
}

Result<Value> CallCall(Call call) {
  const Value& callee = call.args[0];
  if (callee.IsNil()) return BadData("call of nil");
  if (callee.kind() != Kind::kFunction) {
    return BadData("non-function of type " + callee.TypeName());
  }
  const Function& function = callee.function();
  const size_t given = call.args.size() - 1;
  const size_t wanted = function.signature.count - (function.signature.variadic ? 1 : 0);
  if (given < wanted || (given > wanted && !function.signature.variadic)) {
    return BadData("wrong number of args: got " + std::to_string(given) + " want " +
                   (function.signature.variadic ? "at least " : "") + std::to_string(wanted));
  }
  return function.call(call.args.subspan(1));
}

// The evaluator stops at the first argument that decides; here is what is left when all came by
// the pipeline.
Result<Value> CallAnd(Call call) {
  for (const Value& arg : call.args) {
    if (!arg.IsTrue()) return arg;
  }
  return call.args.back();
}

Result<Value> CallOr(Call call) {
  for (const Value& arg : call.args) {
    if (arg.IsTrue()) return arg;
  }
  return call.args.back();
}

Result<Value> CallNot(Call call) { return Value::Bool(!call.args[0].IsTrue()); }

Result<Value> CallPrint(Call call) { return Value::String(TRY(Sprint(call.args, call.max_bytes))); }
Result<Value> CallPrintln(Call call) {
  return Value::String(TRY(Sprintln(call.args, call.max_bytes)));
}
Result<Value> CallPrintf(Call call) {
  return Value::String(
      TRY(Sprintf(call.args[0].string_value(), call.args.subspan(1), call.max_bytes)));
}

Result<Value> CallHtml(Call call) { return Value::String(HtmlEscapeText(TRY(TextOfArgs(call)))); }
Result<Value> CallJs(Call call) { return Value::String(JsEscapeText(TRY(TextOfArgs(call)))); }
Result<Value> CallUrlQuery(Call call) {
  return Value::String(UrlQueryEscape(TRY(TextOfArgs(call))));
}

Result<Value> CallEq(Call call) { return BoolOf(EqualsAny(call.args[0], call.args.subspan(1))); }
Result<Value> CallNe(Call call) {
  return Value::Bool(!TRY(EqualsAny(call.args[0], call.args.subspan(1))));
}
Result<Value> CallLt(Call call) { return BoolOf(IsLess(call.args[0], call.args[1])); }
Result<Value> CallLe(Call call) { return BoolOf(IsLessOrEqual(call.args[0], call.args[1])); }
Result<Value> CallGt(Call call) {
  return Value::Bool(!TRY(IsLessOrEqual(call.args[0], call.args[1])));
}
Result<Value> CallGe(Call call) { return Value::Bool(!TRY(IsLess(call.args[0], call.args[1]))); }

constexpr std::array kBuiltins = {
    FunctionRow{"and", TakesMany(kAny, kAny), CallAnd},
    FunctionRow{"call", TakesMany(kAny, kAny), CallCall},
    FunctionRow{"eq", TakesMany(kAny, kAny), CallEq},
    FunctionRow{"ge", Takes(kAny, kAny), CallGe},
    FunctionRow{"gt", Takes(kAny, kAny), CallGt},
    FunctionRow{"html", TakesMany(kAny), CallHtml},
    FunctionRow{"index", TakesMany(kAny, kAny), CallIndex},
    FunctionRow{"js", TakesMany(kAny), CallJs},
    FunctionRow{"le", Takes(kAny, kAny), CallLe},
    FunctionRow{"len", Takes(kAny), CallLen},
    FunctionRow{"lt", Takes(kAny, kAny), CallLt},
    FunctionRow{"ne", Takes(kAny, kAny), CallNe},
    FunctionRow{"not", Takes(kAny), CallNot},
    FunctionRow{"or", TakesMany(kAny, kAny), CallOr},
    FunctionRow{"print", TakesMany(kAny), CallPrint},
    FunctionRow{"printf", TakesMany(kString, kAny), CallPrintf},
    FunctionRow{"println", TakesMany(kAny), CallPrintln},
    FunctionRow{"slice", TakesMany(kAny, kAny), CallSlice},
    FunctionRow{"urlquery", TakesMany(kAny), CallUrlQuery},
};

}  // namespace

std::span<const FunctionRow> BuiltinFunctions() { return kBuiltins; }

}  // namespace vigil::tmpl
