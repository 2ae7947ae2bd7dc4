// SPDX-License-Identifier: Apache-2.0
// A JSON document as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil {

struct JsonMember;

struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  std::string text;                 // of strings, decoded; of numbers and bools as they stand there
  std::vector<JsonValue> items;     // of arrays
  std::vector<JsonMember> members;  // of objects, in their order

  // A null value when there is no such member.
  [[nodiscard]] const JsonValue& operator[](std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

// bad_data with the position of what is no JSON. Nesting is limited.
Result<JsonValue> ParseJson(std::string_view text);

}  // namespace vigil
