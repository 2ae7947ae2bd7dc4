// SPDX-License-Identifier: Apache-2.0
// How the value of one key is read and written: the building blocks of the field tables.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/relabel.h"
#include "server/config/http_client_config.h"
#include "server/config/reader.h"

namespace vigil::config {

// Each codec: Read(reader, node, out), Write(name, value, writer), IsZero(value).

struct StringCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::string* out);
  static void Write(std::string_view name, const std::string& value, YamlWriter* writer);
  static bool IsZero(const std::string& value) { return value.empty(); }
};

// A path, resolved against the directory of the file it stands in.
struct PathCodec : StringCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::string* out);
};

struct SecretCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, Secret* out);
  static void Write(std::string_view name, const Secret& value, YamlWriter* writer);
  static bool IsZero(const Secret& value) { return value.empty(); }
};

struct BoolCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, bool* out);
  static void Write(std::string_view name, bool value, YamlWriter* writer);
  static bool IsZero(bool value) { return !value; }
};

struct UintCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, uint64_t* out);
  static void Write(std::string_view name, uint64_t value, YamlWriter* writer);
  static bool IsZero(uint64_t value) { return value == 0; }
};

struct FloatCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, double* out);
  static void Write(std::string_view name, double value, YamlWriter* writer);
  static bool IsZero(double value) { return value == 0; }
};

// 1h30m
struct DurationCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, DurationMs* out);
  static void Write(std::string_view name, DurationMs value, YamlWriter* writer);
  static bool IsZero(DurationMs value) { return value == 0; }
};

// 10MB
struct ByteSizeCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, uint64_t* out);
  static void Write(std::string_view name, uint64_t value, YamlWriter* writer);
  static bool IsZero(uint64_t value) { return value == 0; }
};

struct StringListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<std::string>* out);
  static void Write(std::string_view name, const std::vector<std::string>& value,
                    YamlWriter* writer);
  static bool IsZero(const std::vector<std::string>& value) { return value.empty(); }
};

// Paths whose last segment may have wildcards.
struct GlobListCodec : StringListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<std::string>* out);
};

// scrape_protocols: known names, none twice.
struct ProtocolListCodec : StringListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<std::string>* out);
};

// Label names to values; names and values are checked.
struct LabelsCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, Labels* out);
  static void Write(std::string_view name, const Labels& value, YamlWriter* writer);
  static bool IsZero(const Labels& value) { return value.empty(); }
};

// params: names to lists of values.
struct ParamsCodec {
  using Map = std::map<std::string, std::vector<std::string>>;
  static Result<void> Read(Reader& reader, const YamlNode& node, Map* out);
  static void Write(std::string_view name, const Map& value, YamlWriter* writer);
  static bool IsZero(const Map& value) { return value.empty(); }
};

struct StringMapCodec {
  using Map = std::map<std::string, std::string>;
  static Result<void> Read(Reader& reader, const YamlNode& node, Map* out);
  static void Write(std::string_view name, const Map& value, YamlWriter* writer);
  static bool IsZero(const Map& value) { return value.empty(); }
};

bool IsHeaderName(std::string_view name);

struct HttpHeadersCodec {
  using Map = std::map<std::string, HttpHeader>;
  static Result<void> Read(Reader& reader, const YamlNode& node, Map* out);
  static void Write(std::string_view name, const Map& value, YamlWriter* writer);
  static bool IsZero(const Map& value) { return value.empty(); }
};

struct RelabelListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<RelabelRule>* out);
  static void Write(std::string_view name, const std::vector<RelabelRule>& value,
                    YamlWriter* writer);
  static bool IsZero(const std::vector<RelabelRule>& value) { return value.empty(); }
};

// One of the words that kWords lists, itself a `static constexpr std::string_view[]`.
Result<void> ReadWord(Reader& reader, const YamlNode& node, std::span<const std::string_view> words,
                      std::string* out);
template <const auto& kWords>
struct WordCodec : StringCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::string* out) {
    return ReadWord(reader, node, kWords, out);
  }
};

// A nested mapping with rows of its own.
template <typename T>
struct StructCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, T* out) {
    return ReadStruct(reader, node, out);
  }
  static void Write(std::string_view name, const T& value, YamlWriter* writer) {
    writer->OpenMap(name);
    WriteRows(value, writer);
    writer->CloseMap();
  }
  static bool IsZero(const T&) { return false; }
};

Result<void> ExpectList(const Reader& reader, const YamlNode& node);

// A list of mappings.
template <typename T>
struct StructListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<T>* out) {
    TRY(ExpectList(reader, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      Reader::Scope scope(&reader, i);
      TRY(ReadStruct(reader, *node.items[i], &out->emplace_back()));
    }
    return Ok();
  }
  static void Write(std::string_view name, const std::vector<T>& value, YamlWriter* writer) {
    writer->OpenList(name);
    for (const T& item : value) {
      writer->OpenItem();
      WriteRows(item, writer);
      writer->CloseItem();
    }
  }
  static bool IsZero(const std::vector<T>& value) { return value.empty(); }
};

template <typename T>
struct MemberTraits;
template <typename Class, typename Value>
struct MemberTraits<Value Class::*> {
  using Owner = Class;
};
template <auto kMember>
using OwnerOf = typename MemberTraits<decltype(kMember)>::Owner;

enum class Show { kAlways, kIfSet };

// The row of a member, which T may have from a base.
template <typename T, auto kMember, typename Codec, Show kShow = Show::kIfSet>
constexpr Field<T> RowOf(std::string_view name, std::string_view help,
                         Support support = Support::kFull) {
  return {name, help,
          [](Reader& reader, const YamlNode& node, T* out) -> Result<void> {
            return Codec::Read(reader, node, &(out->*kMember));
          },
          [](std::string_view key, const T& in, YamlWriter* writer) {
            if (kShow == Show::kAlways || !Codec::IsZero(in.*kMember)) {
              Codec::Write(key, in.*kMember, writer);
            }
          },
          support};
}
// The same of a member of its own.
template <auto kMember, typename Codec, Show kShow = Show::kIfSet>
constexpr Field<OwnerOf<kMember>> Row(std::string_view name, std::string_view help,
                                      Support support = Support::kFull) {
  return RowOf<OwnerOf<kMember>, kMember, Codec, kShow>(name, help, support);
}

// The row of a block that is there or not.
template <typename T, auto kMember, auto kHas>
constexpr Field<T> BlockOf(std::string_view name, std::string_view help) {
  using Block = std::remove_reference_t<decltype(std::declval<T&>().*kMember)>;
  return {name, help,
          [](Reader& reader, const YamlNode& node, T* out) -> Result<void> {
            out->*kHas = true;
            return ReadStruct<Block>(reader, node, &(out->*kMember));
          },
          [](std::string_view key, const T& in, YamlWriter* writer) {
            if (in.*kHas) StructCodec<Block>::Write(key, in.*kMember, writer);
          }};
}
template <auto kMember, auto kHas, typename Block>
constexpr Field<OwnerOf<kMember>> BlockRow(std::string_view name, std::string_view help) {
  return BlockOf<OwnerOf<kMember>, kMember, kHas>(name, help);
}

// Rows of a part of T whose keys stand among those of T: the first ones of the part's table.
// PartOf gives the part, as in `static auto& Of(T&)`.
template <typename T, typename Part, typename PartOf, size_t kIndex>
Field<T> PartRow() {
  const Field<Part>& row = FieldsOf<Part>()[kIndex];
  Field<T> out{row.name, row.help, nullptr, nullptr, row.support};
  if (row.read != nullptr) {
    out.read = [](Reader& reader, const YamlNode& node, T* whole) {
      return FieldsOf<Part>()[kIndex].read(reader, node, &PartOf::Of(*whole));
    };
  }
  if (row.write != nullptr) {
    out.write = [](std::string_view name, const T& whole, YamlWriter* writer) {
      FieldsOf<Part>()[kIndex].write(name, PartOf::Of(whole), writer);
    };
  }
  return out;
}
template <typename T, typename Part, typename PartOf, size_t... kIndexes>
void AddPartRows(std::index_sequence<kIndexes...>, std::vector<Field<T>>* rows) {
  (rows->push_back(PartRow<T, Part, PartOf, kIndexes>()), ...);
}

// A key that upstream knows and that has no effect here.
template <typename T>
constexpr Field<T> NotYet(std::string_view name, std::string_view help,
                          Support support = Support::kWarn) {
  return {name, help, nullptr, nullptr, support};
}

}  // namespace vigil::config
