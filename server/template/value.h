// SPDX-License-Identifier: Apache-2.0
// The values templates compute with: Go's types as far as templates can tell them apart.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "client-lib/base/result.h"
#include "server/template/time.h"

namespace vigil::tmpl {

class Value;
class Object;
struct List;
struct Map;
struct Function;

// What the value is made of: Go's reflect.Kind.
enum class Kind : uint8_t {
  kNil,  // no value
  kBool,
  kInt,  // signed, with the types below
  kUint,
  kFloat,
  kString,  // and html/template's safe strings
  kList,
  kMap,     // keys are strings, in order
  kObject,  // a struct of the caller
  kTime,
  kFunction,
};

// The type Go would name.
enum class Type : uint8_t {
  kNil,
  kBool,
  kInt,
  kInt64,
  kDuration,
  kMonth,
  kWeekday,
  kUint8,
  kUint64,
  kFloat64,
  kString,
  kHtml,
  kHtmlAttr,
  kCss,
  kJs,
  kJsStr,
  kUrl,
  kSrcset,
  kStrings,    // []string
  kAnys,       // []interface {}
  kStringMap,  // map[string]string
  kAnyMap,     // map[string]interface {}
  kObject,
  kTime,
  kFunction,
};

// A value. Copies are cheap but for strings.
// Threads: any for values that are not written.
class Value {
 public:
  using Text = std::string;

  Value() = default;  // nil
  static Value Bool(bool value) { return {Type::kBool, value}; }
  static Value Int(int64_t value, Type type = Type::kInt) { return {type, value}; }
  static Value Uint(uint64_t value, Type type = Type::kUint64) { return {type, value}; }
  static Value Float(double value) { return {Type::kFloat64, value}; }
  static Value String(std::string value, Type type = Type::kString) {
    return {type, std::move(value)};
  }
  static Value Duration(DurationNs ns) { return {Type::kDuration, ns}; }
  static Value Moment(Time time) { return {Type::kTime, std::move(time)}; }
  // []string when all shall be strings, else []interface {}.
  static Value Strings(const std::vector<std::string>& items);
  static Value Anys(std::vector<Value> items);
  static Value Of(std::shared_ptr<const List> list);
  static Value Of(std::shared_ptr<const Map> map);
  static Value Of(std::shared_ptr<const Object> object);
  static Value Of(std::shared_ptr<const Function> function);
  // map[string]string: a missing key is "".
  static Value StringMap(const std::map<std::string, std::string>& entries);
  // map[string]interface {}: a missing key is nil.
  static Value AnyMap(std::map<std::string, Value, std::less<>> entries);

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] Kind kind() const;
  [[nodiscard]] bool IsNil() const { return type_ == Type::kNil; }
  // As Go prints the type: "int", "[]string", "template.KV".
  [[nodiscard]] std::string TypeName() const;

  // REQUIRES: that kind.
  [[nodiscard]] bool bool_value() const { return std::get<bool>(data_); }
  [[nodiscard]] int64_t int_value() const { return std::get<int64_t>(data_); }
  [[nodiscard]] uint64_t uint_value() const { return std::get<uint64_t>(data_); }
  [[nodiscard]] double float_value() const { return std::get<double>(data_); }
  [[nodiscard]] const std::string& string_value() const { return std::get<std::string>(data_); }
  [[nodiscard]] const Time& time_value() const { return std::get<Time>(data_); }
  [[nodiscard]] const List& list() const { return *std::get<std::shared_ptr<const List>>(data_); }
  [[nodiscard]] const Map& map() const { return *std::get<std::shared_ptr<const Map>>(data_); }
  [[nodiscard]] const Object& object() const {
    return *std::get<std::shared_ptr<const Object>>(data_);
  }
  [[nodiscard]] const Function& function() const {
    return *std::get<std::shared_ptr<const Function>>(data_);
  }

  // The map or list an object is defined as, else the value itself. Lives as long as the value.
  [[nodiscard]] const Value& Base() const;
  // Go's truth: not zero, not empty, not nil; structs and times are true.
  [[nodiscard]] bool IsTrue() const;
  // How deep lists and maps are nested in it; 0 for others.
  [[nodiscard]] size_t Depth() const;

 private:
  using Data = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Time,
                            std::shared_ptr<const List>, std::shared_ptr<const Map>,
                            std::shared_ptr<const Object>, std::shared_ptr<const Function>>;
  template <typename T>
  Value(Type type, T value) : type_(type), data_(std::in_place_type<T>, std::move(value)) {}

  Type type_ = Type::kNil;
  Data data_;
};

struct List {
  std::vector<Value> items;
  bool strings = false;  // []string
  size_t depth = 1;
};

struct Map {
  std::map<std::string, Value, std::less<>> entries;
  bool strings = false;  // map[string]string
  size_t depth = 1;

  // What a template sees for a key: the zero value of the element type when missing.
  [[nodiscard]] Value Get(std::string_view key) const;
};

// The declared type of a parameter: what is passed must be of it.
enum class Param : uint8_t {
  kAny,
  kBool,
  kInt,
  kInt64,
  kFloat,
  kString,
  kTime,
  kDuration,
  kStrings,
  kAnys,
  kAnyMap,
  kList,         // any list
  kQueryResult,  // Prometheus's template.queryResult
  kSample,       // and *template.sample
  kLocation,     // *time.Location: none can be passed but nil
};
// "interface {}", "string", "time.Time" ...
std::string_view ParamTypeName(Param param);

// Parameters of a function: at most four, the last repeated when variadic.
struct Signature {
  std::array<Param, 4> params{};
  uint8_t count = 0;
  bool variadic = false;
};
template <typename... P>
constexpr Signature Takes(P... params) {
  return {{params...}, sizeof...(params), false};
}
template <typename... P>
constexpr Signature TakesMany(P... params) {
  return {{params...}, sizeof...(params), true};
}

using Args = std::span<const Value>;

// A function as a value: for `call`.
struct Function {
  Signature signature;
  std::function<Result<Value>(Args)> call;
};

// A method: `call` gets the value it is called on and arguments that fit the signature.
struct Method {
  std::string_view name;
  Signature signature;
  Result<Value> (*call)(const Value& self, Args args);
};

// A struct, or a named map or list, of the caller: alerts, label sets, query results. Immutable.
// Threads: any.
class Object {
 public:
  virtual ~Object() = default;
  // "template.Alert"
  [[nodiscard]] virtual std::string_view TypeName() const = 0;
  // Exported fields in their order; Field(i) is the value of the i-th.
  [[nodiscard]] virtual std::span<const std::string_view> FieldNames() const { return {}; }
  [[nodiscard]] virtual Value Field(size_t index) const;
  // What JSON calls the fields.
  [[nodiscard]] virtual std::span<const std::string_view> JsonNames() const { return FieldNames(); }
  [[nodiscard]] virtual std::span<const Method> Methods() const { return {}; }
  // The map or list it is defined as; null for structs.
  [[nodiscard]] virtual const Value* Base() const { return nullptr; }
  // What a String method returns, when it has one.
  [[nodiscard]] virtual std::optional<std::string> Text() const { return std::nullopt; }
};

// Methods of times, durations, months and objects; null when there is none.
const Method* FindMethod(const Value& value, std::string_view name);

}  // namespace vigil::tmpl
