// SPDX-License-Identifier: Apache-2.0
// Errors as values: Error carries a kind (the words of the HTTP API) and one sentence for the
// operator; Result<T> holds either a T or an Error and cannot be dropped silently.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace vigil {

// The kinds are the error types of the Prometheus HTTP API, so that the edge is one switch.
enum class ErrorKind {
  kBadData,        // the caller's input is wrong
  kExecution,      // a query could not be evaluated
  kCanceled,       // the caller went away or the process stops
  kTimeout,        // a deadline passed
  kNotFound,       //
  kNotAcceptable,  // no content type in common
  kInternal,       // our fault or the environment's
  kUnavailable,    // not now: try again later
};

// "bad_data", "execution", ...
std::string_view ErrorKindName(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  // Lower case, no full stop: what, where, what to do.
  std::string message;

  // The same error with context in front: "<context>: <message>".
  [[nodiscard]] Error Prefixed(std::string_view context) const;
};

inline Error BadData(std::string message) { return {ErrorKind::kBadData, std::move(message)}; }
inline Error ExecutionError(std::string message) {
  return {ErrorKind::kExecution, std::move(message)};
}
inline Error Canceled(std::string message) { return {ErrorKind::kCanceled, std::move(message)}; }
inline Error Timeout(std::string message) { return {ErrorKind::kTimeout, std::move(message)}; }
inline Error NotFound(std::string message) { return {ErrorKind::kNotFound, std::move(message)}; }
inline Error Internal(std::string message) { return {ErrorKind::kInternal, std::move(message)}; }
inline Error Unavailable(std::string message) {
  return {ErrorKind::kUnavailable, std::move(message)};
}

// Prints file, line and text and ends the process. Behind CHECK only.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

// A broken invariant ends the process in every build: it is never an error value.
#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::vigil::CheckFailed(__FILE__, __LINE__, #condition))

// Either a T or an Error. Method names follow std::expected.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return error;` is the point.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // REQUIRES: has_value()
  T& value() & {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  // By value: `for (auto& x : *Load())` must not look into a temporary that is gone.
  T value() && {
    CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !has_value()
  const Error& error() const& {
    CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): `return error;` is the point.
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const { CHECK(has_value()); }

  const Error& error() const& {
    CHECK(!has_value());
    return *error_;
  }
  Error&& error() && {
    CHECK(!has_value());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

inline Result<void> Ok() { return {}; }

namespace internal {
// What TRY evaluates to: the moved value, or nothing for Result<void>.
template <typename T>
T TakeValue(Result<T>&& result) {
  return std::move(result).value();
}
inline void TakeValue(Result<void>&&) {}
}  // namespace internal

#define VIGIL_CONCAT_INNER(a, b) a##b
#define VIGIL_CONCAT(a, b) VIGIL_CONCAT_INNER(a, b)
#define VIGIL_TRY_IMPL(name, expr)                         \
  __extension__({                                          \
    auto name = (expr);                                    \
    if (!name.has_value()) return std::move(name).error(); \
    ::vigil::internal::TakeValue(std::move(name));         \
  })
#define VIGIL_TRY_CONTEXT_IMPL(name, expr, context)                          \
  __extension__({                                                            \
    auto name = (expr);                                                      \
    if (!name.has_value()) return std::move(name).error().Prefixed(context); \
    ::vigil::internal::TakeValue(std::move(name));                           \
  })

// TRY(expr): the value of expr, or return its error from the enclosing function. Not behind other
// values in braces or arguments (`T{labels, TRY(x)}`): what was built before it leaks on an error.
#define TRY(expr) VIGIL_TRY_IMPL(VIGIL_CONCAT(vigil_try_, __COUNTER__), expr)
// TRY_CONTEXT(expr, "loading x.yml"): the same, with the context in front of the message.
#define TRY_CONTEXT(expr, context) \
  VIGIL_TRY_CONTEXT_IMPL(VIGIL_CONCAT(vigil_try_, __COUNTER__), expr, context)

}  // namespace vigil
