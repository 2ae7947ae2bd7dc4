// SPDX-License-Identifier: Apache-2.0
// Construction of values, their type names and their truth.
#include "server/template/value.h"

#include <algorithm>

namespace vigil::tmpl {
namespace {

struct TypeRow {
  Kind kind;
  std::string_view name;
};

// By Type.
constexpr std::array kTypeRows = {
    TypeRow{Kind::kNil, "<nil>"},
    TypeRow{Kind::kBool, "bool"},
    TypeRow{Kind::kInt, "int"},
    TypeRow{Kind::kInt, "int64"},
    TypeRow{Kind::kInt, "time.Duration"},
    TypeRow{Kind::kInt, "time.Month"},
    TypeRow{Kind::kInt, "time.Weekday"},
    TypeRow{Kind::kUint, "uint8"},
    TypeRow{Kind::kUint, "uint64"},
    TypeRow{Kind::kFloat, "float64"},
    TypeRow{Kind::kString, "string"},
    TypeRow{Kind::kString, "template.HTML"},
    TypeRow{Kind::kString, "template.HTMLAttr"},
    TypeRow{Kind::kString, "template.CSS"},
    TypeRow{Kind::kString, "template.JS"},
    TypeRow{Kind::kString, "template.JSStr"},
    TypeRow{Kind::kString, "template.URL"},
    TypeRow{Kind::kString, "template.Srcset"},
    TypeRow{Kind::kList, "[]string"},
    TypeRow{Kind::kList, "[]interface {}"},
    TypeRow{Kind::kMap, "map[string]string"},
    TypeRow{Kind::kMap, "map[string]interface {}"},
    TypeRow{Kind::kObject, ""},
    TypeRow{Kind::kTime, "time.Time"},
    TypeRow{Kind::kFunction, "func"},
};
static_assert(kTypeRows.size() == static_cast<size_t>(Type::kFunction) + 1);

// By Param.
constexpr std::array<std::string_view, 15> kParamNames = {"interface {}",
                                                          "bool",
                                                          "int",
                                                          "int64",
                                                          "float64",
                                                          "string",
                                                          "time.Time",
                                                          "time.Duration",
                                                          "[]string",
                                                          "[]interface {}",
                                                          "map[string]interface {}",
                                                          "[]interface {}",
                                                          "template.queryResult",
                                                          "*template.sample",
                                                          "*time.Location"};
static_assert(kParamNames.size() == static_cast<size_t>(Param::kLocation) + 1);

size_t DepthOfItems(const std::vector<Value>& items) {
  size_t depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.Depth());
  return depth + 1;
}

}  // namespace

std::string_view ParamTypeName(Param param) { return kParamNames[static_cast<size_t>(param)]; }

Value Value::Strings(const std::vector<std::string>& items) {
  auto list = std::make_shared<List>();
  list->strings = true;
  list->items.reserve(items.size());
  for (const std::string& item : items) list->items.push_back(String(item));
  return Of(std::shared_ptr<const List>(std::move(list)));
}

Value Value::Anys(std::vector<Value> items) {
  auto list = std::make_shared<List>();
  list->depth = DepthOfItems(items);
  list->items = std::move(items);
  return Of(std::shared_ptr<const List>(std::move(list)));
}

Value Value::Of(std::shared_ptr<const List> list) {
  const Type type = list->strings ? Type::kStrings : Type::kAnys;
  return {type, std::move(list)};
}

Value Value::Of(std::shared_ptr<const Map> map) {
  const Type type = map->strings ? Type::kStringMap : Type::kAnyMap;
  return {type, std::move(map)};
}

Value Value::Of(std::shared_ptr<const Object> object) { return {Type::kObject, std::move(object)}; }

Value Value::Of(std::shared_ptr<const Function> function) {
  return {Type::kFunction, std::move(function)};
}

Value Value::StringMap(const std::map<std::string, std::string>& entries) {
  auto map = std::make_shared<Map>();
  map->strings = true;
  for (const auto& [key, value] : entries) {
    map->entries.emplace_hint(map->entries.end(), key, String(value));
  }
  return Of(std::shared_ptr<const Map>(std::move(map)));
}

Value Value::AnyMap(std::map<std::string, Value, std::less<>> entries) {
  auto map = std::make_shared<Map>();
  size_t depth = 0;
  for (const auto& entry : entries) depth = std::max(depth, entry.second.Depth());
  map->depth = depth + 1;
  map->entries = std::move(entries);
  return Of(std::shared_ptr<const Map>(std::move(map)));
}

Kind Value::kind() const { return kTypeRows[static_cast<size_t>(type_)].kind; }

std::string Value::TypeName() const {
  if (type_ == Type::kObject) return std::string(object().TypeName());
  return std::string(kTypeRows[static_cast<size_t>(type_)].name);
}

const Value& Value::Base() const {
  if (type_ != Type::kObject) return *this;
  const Value* base = object().Base();
  return base == nullptr ? *this : *base;
}

bool Value::IsTrue() const {
  const Value& base = Base();
  switch (base.kind()) {
    case Kind::kNil:
      return false;
    case Kind::kBool:
      return base.bool_value();
    case Kind::kInt:
      return base.int_value() != 0;
    case Kind::kUint:
      return base.uint_value() != 0;
    case Kind::kFloat:
      return base.float_value() != 0;
    case Kind::kString:
      return !base.string_value().empty();
    case Kind::kList:
      return !base.list().items.empty();
    case Kind::kMap:
      return !base.map().entries.empty();
    case Kind::kObject:
    case Kind::kTime:
    case Kind::kFunction:
      break;
  }
  return true;
}

size_t Value::Depth() const {
  const Value& base = Base();
  if (base.kind() == Kind::kList) return base.list().depth;
  return base.kind() == Kind::kMap ? base.map().depth : 0;
}

Value Map::Get(std::string_view key) const {
  const auto found = entries.find(key);
  if (found != entries.end()) return found->second;
  return strings ? Value::String("") : Value();
}

Value Object::Field(size_t) const { return {}; }

}  // namespace vigil::tmpl
