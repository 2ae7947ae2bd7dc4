// SPDX-License-Identifier: Apache-2.0
// Writes payloads as Go's encoding/json does: fields in the order they are written, <, > and &
// escaped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vigil::notify {

// Commas come by themselves; nesting is the caller's business.
// Threads: owner thread only.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view name);
  JsonWriter& String(std::string_view text);
  // JSON, as it is: numbers, true, null, what another writer made.
  JsonWriter& Raw(std::string_view json);

  JsonWriter& Field(std::string_view name, std::string_view text) { return Key(name).String(text); }
  // Left out when it is empty, or false.
  JsonWriter& FieldIfAny(std::string_view name, std::string_view text) {
    return text.empty() ? *this : Field(name, text);
  }
  JsonWriter& FlagIfSet(std::string_view name, bool value) {
    return value ? Key(name).Raw("true") : *this;
  }
  JsonWriter& Flag(std::string_view name, bool value) {
    return Key(name).Raw(value ? "true" : "false");
  }
  JsonWriter& Number(std::string_view name, int64_t value) {
    return Key(name).Raw(std::to_string(value));
  }

  [[nodiscard]] std::string Take() { return std::move(out_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();

  std::string out_;
  bool need_comma_ = false;
};

}  // namespace vigil::notify
