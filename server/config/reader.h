// SPDX-License-Identifier: Apache-2.0
// Reads structs from YAML mappings by tables of fields: one row per key.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/config/yaml_node.h"
#include "server/config/yaml_writer.h"

namespace vigil::config {

// Whether a key that upstream knows has an effect here.
enum class Support {
  kFull,
  kWarn,  // accepted; set to something, it yields a line in Config::not_supported_yet
  kFail,  // an error when it is set: ignoring it would lose scrapes or mislead
};

// Where the reading stands: the file and the path of keys, for messages.
// Threads: owner thread only.
class Reader {
 public:
  Reader(std::string filename, std::string base_dir)
      : filename_(std::move(filename)), base_dir_(std::move(base_dir)) {}

  // "file:line:column: <what>"
  [[nodiscard]] Error Fail(const YamlNode& node, std::string_view what) const;
  // "file:line:column: <path>: <what>"
  [[nodiscard]] Error FailHere(const YamlNode& node, std::string_view what) const;
  void Warn(const YamlNode& node, std::string_view what);
  // "scrape_configs[0].tls_config"; "the configuration" at the top.
  [[nodiscard]] std::string Where() const;

  // Keys that no row has are let pass from now on.
  void IgnoreUnknownFields() { ignore_unknown_fields_ = true; }
  [[nodiscard]] bool ignores_unknown_fields() const { return ignore_unknown_fields_; }

  [[nodiscard]] const std::string& base_dir() const { return base_dir_; }
  [[nodiscard]] const std::string& filename() const { return filename_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  // One step down in the path, as long as it lives.
  class Scope {
   public:
    Scope(Reader* reader, std::string_view key);
    Scope(Reader* reader, size_t index);
    ~Scope() { reader_->path_.resize(size_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Reader* reader_;
    size_t size_;
  };

 private:
  std::string filename_;
  std::string base_dir_;
  std::string path_;
  std::vector<std::string> warnings_;
  bool ignore_unknown_fields_ = false;
};

// One key of a mapping that fills a T.
template <typename T>
struct Field {
  std::string_view name;
  std::string_view help;  // what it does; with kWarn and kFail: what its absence means
  Result<void> (*read)(Reader& reader, const YamlNode& node, T* out);
  void (*write)(std::string_view name, const T& in, YamlWriter* writer);
  Support support = Support::kFull;
};

// The rows of T, in the order in which ToYaml writes them. Specialised in field_tables.cc.
template <typename T>
std::span<const Field<T>> FieldsOf();

// Something that could have been meant, in words for a message, or nothing.
std::string DidYouMean(std::string_view name, std::span<const std::string_view> known);

// Null, empty, false and 0 do not count as set.
bool IsSet(const YamlNode& node);

Result<void> ExpectMap(const Reader& reader, const YamlNode& node);
// The error for a key that no row has.
Error UnknownField(const Reader& reader, const YamlNode& key,
                   std::span<const std::string_view> known);
// Null when the map has no such key.
const YamlNode* Find(const YamlNode& map, std::string_view key);
// The key itself, for its position.
const YamlNode* FindKey(const YamlNode& map, std::string_view key);

// Reads the rows that the map has; other keys are not looked at.
template <typename T>
Result<void> ReadRows(Reader& reader, const YamlNode& map, T* out) {
  for (const Field<T>& field : FieldsOf<T>()) {
    const YamlNode* value = Find(map, field.name);
    if (value == nullptr || value->kind == YamlNode::Kind::kNull) continue;
    if (field.support != Support::kFull && IsSet(*value)) {
      std::string text = std::string(field.name) + " in " + reader.Where() +
                         " is not supported yet: " + std::string(field.help);
      const YamlNode& key = *FindKey(map, field.name);
      if (field.support == Support::kFail) return reader.Fail(key, text);
      reader.Warn(key, text);
    }
    if (field.read == nullptr) continue;
    Reader::Scope scope(&reader, field.name);
    TRY(field.read(reader, *value, out));
  }
  return Ok();
}

template <typename T>
void AppendNames(std::vector<std::string_view>* names) {
  for (const Field<T>& field : FieldsOf<T>()) names->push_back(field.name);
}

inline Result<void> RefuseUnknown(const Reader& reader, const YamlNode& map,
                                  std::span<const std::string_view> known) {
  if (reader.ignores_unknown_fields()) return Ok();
  for (const auto& [key, value] : map.entries) {
    bool found = false;
    for (std::string_view name : known) found = found || name == key->text;
    if (!found) return UnknownField(reader, *key, known);
  }
  return Ok();
}

// The whole mapping, strictly.
template <typename T>
Result<void> ReadStruct(Reader& reader, const YamlNode& node, T* out) {
  TRY(ExpectMap(reader, node));
  std::vector<std::string_view> names;
  AppendNames<T>(&names);
  TRY(RefuseUnknown(reader, node, names));
  return ReadRows(reader, node, out);
}

template <typename T>
void WriteRows(const T& in, YamlWriter* writer) {
  for (const Field<T>& field : FieldsOf<T>()) {
    if (field.write != nullptr) field.write(field.name, in, writer);
  }
}

}  // namespace vigil::config
