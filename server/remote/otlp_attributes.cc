// SPDX-License-Identifier: Apache-2.0
#include "server/remote/otlp_attributes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/remote/proto_writer.h"

namespace vigil::remote {
namespace {

// Lists and maps nest; nobody needs more, and the stack is bounded.
constexpr int kDeepestValue = 16;

// The text of a message Value. Inside lists and maps texts have quotes.
bool AppendValue(std::string_view message, int depth, std::string* out);

bool AppendItems(std::string_view message, int depth, bool map, std::string* out) {
  out->push_back(map ? '{' : '[');
  ProtoReader reader(message);
  bool first = true;
  while (const auto field = reader.Next()) {
    if (field->number != 1 || field->type != WireType::kLength) continue;
    if (!first) out->push_back(',');
    first = false;
    std::string_view value = field->bytes;
    if (map) {
      std::string_view key;
      value = {};
      ProtoReader pair(field->bytes);
      while (const auto part = pair.Next()) {
        if (part->type != WireType::kLength) continue;
        if (part->number == 1) key = part->bytes;
        if (part->number == 2) value = part->bytes;
      }
      if (!pair.ok()) return false;
      AppendJsonQuoted(key, out);
      out->push_back(':');
    }
    if (!AppendValue(value, depth + 1, out)) return false;
  }
  out->push_back(map ? '}' : ']');
  return reader.ok();
}

void AppendText(std::string_view text, int depth, std::string* out) {
  if (depth == 0) {
    out->append(text);
  } else {
    AppendJsonQuoted(text, out);
  }
}

bool AppendValue(std::string_view message, int depth, std::string* out) {
  if (depth > kDeepestValue) return false;
  ProtoReader reader(message);
  const size_t begin = out->size();
  while (const auto field = reader.Next()) {
    // The last of them counts.
    const bool length = field->type == WireType::kLength;
    if (field->number == 0 || field->number > 7) continue;
    out->resize(begin);
    switch (field->number) {
      case 1:
        if (length) AppendText(field->bytes, depth, out);
        break;
      case 2:
        out->append(field->varint != 0 ? "true" : "false");
        break;
      case 3:
        out->append(std::to_string(static_cast<int64_t>(field->varint)));
        break;
      case 4:
        out->append(FormatFloatJson(std::bit_cast<double>(field->varint)));
        break;
      case 7:
        if (length) AppendText(Base64Encode(field->bytes), depth, out);
        break;
      default:
        if (length && !AppendItems(field->bytes, depth, field->number == 6, out)) return false;
    }
  }
  if (out->size() == begin && depth > 0) out->append("null");
  return reader.ok();
}

}  // namespace

void AppendJsonQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      static constexpr char kHex[] = "0123456789abcdef";
      out->append("\\u00");
      out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHex[c & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

bool ReadOtlpAttribute(std::string_view message, std::vector<OtlpAttribute>* out) {
  OtlpAttribute& attribute = out->emplace_back();
  ProtoReader reader(message);
  while (const auto field = reader.Next()) {
    if (field->type != WireType::kLength) continue;
    if (field->number == 1) attribute.key = field->bytes;
    if (field->number == 2) {
      attribute.value.clear();
      if (!AppendValue(field->bytes, 0, &attribute.value)) return false;
    }
  }
  return reader.ok();
}

OtlpLabels LabelsOfAttributes(std::span<const OtlpAttribute> attributes, const OtlpNaming& naming) {
  std::vector<const OtlpAttribute*> sorted;
  for (const OtlpAttribute& attribute : attributes) sorted.push_back(&attribute);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const OtlpAttribute* a, const OtlpAttribute* b) { return a->key < b->key; });
  OtlpLabels all;
  for (const OtlpAttribute* attribute : sorted) {
    std::string name = OtlpLabelName(attribute->key, naming);
    if (!name.empty() && !attribute->value.empty()) {
      all.emplace_back(std::move(name), attribute->value);
    }
  }
  // Those of one name stay in the order of their keys.
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  OtlpLabels labels;
  for (auto& label : all) {
    if (labels.empty() || labels.back().first != label.first) {
      labels.push_back(std::move(label));
    } else if (labels.back().second != label.second) {
      labels.back().second.append(";").append(label.second);
    }
  }
  return labels;
}

void SetOtlpLabel(std::string_view name, std::string_view value, OtlpLabels* labels) {
  for (auto& [label, text] : *labels) {
    if (label != name) continue;
    text = value;
    return;
  }
  labels->emplace_back(name, value);
}

OtlpLabels DistinctOtlpLabels(OtlpLabels labels, OtlpKeep keep) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  OtlpLabels distinct;
  for (auto& label : labels) {
    if (distinct.empty() || distinct.back().first != label.first) {
      distinct.push_back(std::move(label));
    } else if (keep == OtlpKeep::kSecond) {
      distinct.back().second = std::move(label.second);
    }
  }
  return distinct;
}

OtlpLabels MergeOtlpLabels(OtlpLabels first, const OtlpLabels& second, OtlpKeep keep) {
  OtlpLabels merged;
  merged.reserve(first.size());
  const auto add = [&merged](auto&& label) {
    if (!label.second.empty()) merged.push_back(std::forward<decltype(label)>(label));
  };
  auto own = first.begin();
  for (const auto& other : second) {
    while (own != first.end() && own->first < other.first) add(std::move(*own++));
    if (own == first.end() || own->first != other.first) {
      add(other);
    } else if (keep == OtlpKeep::kSecond) {
      add(other);
      ++own;
    }
  }
  while (own != first.end()) add(std::move(*own++));
  return merged;
}

void AppendOtlpLabels(OtlpLabels labels, std::string* out) {
  std::sort(labels.begin(), labels.end());
  std::string pair;
  for (const auto& [name, value] : labels) {
    if (value.empty()) continue;
    pair.clear();
    ProtoWriter fields(&pair);
    fields.Bytes(1, name);
    fields.Bytes(2, value);
    ProtoWriter(out).Bytes(1, pair);
  }
}

}  // namespace vigil::remote
