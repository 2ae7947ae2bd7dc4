// SPDX-License-Identifier: Apache-2.0
// Comparison of values of the same basic kind, and of integers with and without sign.
#include "server/template/compare.h"

#include <string>

#include "server/template/format.h"

namespace vigil::tmpl {
namespace {

constexpr const char* kIncompatible = "incompatible types for comparison";
constexpr const char* kNoOrder = "invalid type for comparison";

bool IsBasicKind(Kind kind) {
  return kind == Kind::kBool || kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kFloat ||
         kind == Kind::kString;
}

// Basic kinds as they are; everything else is one kind.
Kind BasicKindOf(const Value& value) {
  const Kind kind = value.kind();
  return IsBasicKind(kind) ? kind : Kind::kNil;
}

bool IsMixedInteger(Kind a, Kind b) {
  return (a == Kind::kInt && b == Kind::kUint) || (a == Kind::kUint && b == Kind::kInt);
}

bool MixedEqual(const Value& a, const Value& b) {
  if (a.kind() == Kind::kUint) return MixedEqual(b, a);
  return a.int_value() >= 0 && static_cast<uint64_t>(a.int_value()) == b.uint_value();
}

Result<bool> OtherEqual(const Value& a, const Value& b) {
  if (a.IsNil() || b.IsNil()) return a.IsNil() == b.IsNil();
  for (const Value* value : {&b, &a}) {
    const Kind kind = value->Base().kind();
    if (kind == Kind::kList || kind == Kind::kMap || kind == Kind::kFunction) {
      return BadData("non-comparable type " + ShowValue(*value) + ": " + value->TypeName());
    }
  }
  if (a.type() == Type::kTime && b.type() == Type::kTime) {
    return a.time_value().SameMoment(b.time_value()) && a.time_value().zone == b.time_value().zone;
  }
  return a.type() == Type::kObject && b.type() == Type::kObject && &a.object() == &b.object();
}

Result<bool> EqualsOne(const Value& a, const Value& b) {
  const Kind kind = BasicKindOf(a);
  if (kind != BasicKindOf(b)) {
    if (IsMixedInteger(kind, BasicKindOf(b))) return MixedEqual(a, b);
    if (a.IsNil() || b.IsNil()) return false;
    return BadData(kIncompatible);
  }
  switch (kind) {
    case Kind::kBool:
      return a.bool_value() == b.bool_value();
    case Kind::kInt:
      return a.int_value() == b.int_value();
    case Kind::kUint:
      return a.uint_value() == b.uint_value();
    case Kind::kFloat:
      return a.float_value() == b.float_value();
    case Kind::kString:
      return a.string_value() == b.string_value();
    default:
      return OtherEqual(a, b);
  }
}

}  // namespace

Result<bool> EqualsAny(const Value& first, Args others) {
  if (others.empty()) return BadData("missing argument for comparison");
  for (const Value& other : others) {
    if (TRY(EqualsOne(first, other))) return true;
  }
  return false;
}

Result<bool> IsLess(const Value& a, const Value& b) {
  const Kind kind = BasicKindOf(a);
  if (kind == Kind::kNil || BasicKindOf(b) == Kind::kNil) return BadData(kNoOrder);
  if (kind != BasicKindOf(b)) {
    if (!IsMixedInteger(kind, BasicKindOf(b))) return BadData(kIncompatible);
    if (kind == Kind::kInt) {
      return a.int_value() < 0 || static_cast<uint64_t>(a.int_value()) < b.uint_value();
    }
    return b.int_value() >= 0 && a.uint_value() < static_cast<uint64_t>(b.int_value());
  }
  switch (kind) {
    case Kind::kInt:
      return a.int_value() < b.int_value();
    case Kind::kUint:
      return a.uint_value() < b.uint_value();
    case Kind::kFloat:
      return a.float_value() < b.float_value();
    case Kind::kString:
      return a.string_value() < b.string_value();
    default:
      return BadData(kNoOrder);
  }
}

Result<bool> IsLessOrEqual(const Value& a, const Value& b) {
  if (TRY(IsLess(a, b))) return true;
  return EqualsAny(a, Args(&b, 1));
}

}  // namespace vigil::tmpl
