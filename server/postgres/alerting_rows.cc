// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/alerting_rows.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "client-lib/model/annotations.h"

namespace vigil::postgres {
namespace {

void AppendStorable(std::string_view text, std::string* out) {
  std::string mended;
  const bool changed = MendText(text, &mended);
  AppendArrayElement(changed ? std::string_view(mended) : text, out->size() == 1, out);
}

std::string CarefulLiteral(const Labels& labels) {
  std::string literal = "{";
  for (const LabelView label : labels) {
    AppendStorable(label.name, &literal);
    AppendStorable(label.value, &literal);
  }
  return literal += '}';
}

// Most texts need no care: they are ASCII, and nothing in them is to be escaped. Puts such a one at
// *at, in quotes; false for any other.
bool PutPlain(std::string_view text, char** at) {
  char* put = *at;
  *put++ = '"';
  for (const char c : text) {
    // NUL, and above ASCII bytes are negative.
    if (c == '"' || c == '\\' || static_cast<signed char>(c) <= 0) return false;
    *put++ = c;
  }
  *put++ = '"';
  *at = put;
  return true;
}

Result<MatchType> MatchTypeOf(std::string_view text) {
  for (const MatchType type :
       {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegexp, MatchType::kNotRegexp}) {
    if (MatchTypeText(type) == text) return type;
  }
  return Internal("the database has a silence with a matcher of an unknown kind");
}

}  // namespace

std::string StorableText(std::string_view text) {
  std::string mended;
  return MendText(text, &mended) ? mended : std::string(text);
}

std::string PairsLiteral(const Labels& labels) {
  // An element takes three characters more than its text, which is less than the set has beside
  // its texts.
  std::string literal(labels.HeapBytes() + 2, '{');
  char* at = literal.data() + 1;
  for (size_t i = 0; i < labels.size(); ++i) {
    const LabelView label = labels[i];
    if (i > 0) *at++ = ',';
    if (!PutPlain(label.name, &at)) return CarefulLiteral(labels);
    *at++ = ',';
    if (!PutPlain(label.value, &at)) return CarefulLiteral(labels);
  }
  *at++ = '}';
  literal.resize(static_cast<size_t>(at - literal.data()));
  return literal;
}

std::string PairsLiteral(const alerting::StringMap& map) {
  std::string literal = "{";
  for (const auto& [name, value] : map) {
    AppendStorable(name, &literal);
    AppendStorable(value, &literal);
  }
  return literal += '}';
}

std::string TextsLiteral(const std::vector<std::string>& texts) {
  std::string literal = "{";
  for (const std::string& text : texts) AppendStorable(text, &literal);
  return literal += '}';
}

std::string NumbersLiteral(const std::vector<uint64_t>& numbers) {
  std::string literal = "{";
  for (const uint64_t number : numbers) {
    if (literal.size() > 1) literal += ',';
    literal += std::to_string(std::bit_cast<int64_t>(number));
  }
  return literal += '}';
}

std::string MatchersLiteral(const alerting::LabelMatchers& matchers) {
  std::string literal = "{";
  for (const alerting::LabelMatcher& matcher : matchers) {
    AppendStorable(matcher.name(), &literal);
    AppendStorable(MatchTypeText(matcher.type()), &literal);
    AppendStorable(matcher.value(), &literal);
  }
  return literal += '}';
}

Result<Labels> ReadLabels(const Rows& rows, int row, int column) {
  std::vector<std::string_view> flat;
  TRY(ReadTextArray(rows.Bytes(row, column), &flat));
  std::vector<LabelView> pairs;
  for (size_t i = 0; i + 1 < flat.size(); i += 2) pairs.push_back({flat[i], flat[i + 1]});
  // Labels were stored without empty values.
  return MakeAnnotations(std::move(pairs));
}

Result<alerting::StringMap> ReadMap(const Rows& rows, int row, int column) {
  std::vector<std::string_view> flat;
  TRY(ReadTextArray(rows.Bytes(row, column), &flat));
  alerting::StringMap map;
  for (size_t i = 0; i + 1 < flat.size(); i += 2) map.emplace(flat[i], flat[i + 1]);
  return map;
}

Result<std::vector<std::string>> ReadTexts(const Rows& rows, int row, int column) {
  std::vector<std::string_view> flat;
  TRY(ReadTextArray(rows.Bytes(row, column), &flat));
  return std::vector<std::string>(flat.begin(), flat.end());
}

Result<std::vector<uint64_t>> ReadNumbers(const Rows& rows, int row, int column) {
  // The layout of an array does not depend on its elements' type.
  std::vector<std::string_view> elements;
  TRY(ReadTextArray(rows.Bytes(row, column), &elements));
  std::vector<uint64_t> numbers;
  for (const std::string_view element : elements) {
    if (element.size() != 8) return Internal("the database sent something else than an int8 array");
    numbers.push_back(std::bit_cast<uint64_t>(ReadInt(element)));
  }
  return numbers;
}

Result<alerting::LabelMatchers> ReadMatchers(const Rows& rows, int row, int column) {
  std::vector<std::string_view> flat;
  TRY(ReadTextArray(rows.Bytes(row, column), &flat));
  alerting::LabelMatchers matchers;
  for (size_t i = 0; i + 2 < flat.size(); i += 3) {
    const MatchType type = TRY(MatchTypeOf(flat[i + 1]));
    matchers.push_back(TRY(alerting::LabelMatcher::Create(type, flat[i], flat[i + 2])));
  }
  return matchers;
}

std::string ReadString(const Rows& rows, int row, int column) {
  return std::string(rows.Bytes(row, column));
}

void ColumnSet::AddRow(std::initializer_list<int64_t> numbers, std::span<std::string> texts) {
  CHECK(numbers.size() == numbers_.size() && texts.size() == texts_.size());
  size_t column = 0;
  for (const int64_t number : numbers) numbers_[column++].push_back(number);
  for (size_t i = 0; i < texts.size(); ++i) {
    text_bytes_ += texts[i].size();
    texts_[i].push_back(std::move(texts[i]));
  }
  ++rows_;
}

Parameters ColumnSet::parameters() const {
  Parameters parameters;
  for (const auto& column : numbers_) parameters.Int8Array(column);
  for (const auto& column : texts_) parameters.TextArray(column);
  return parameters;
}

void ColumnSet::AppendPage(Parameters* parameters) const {
  for (const auto& column : numbers_) parameters->Int8Array(column);
  for (const auto& column : texts_) {
    const bool bare = std::all_of(column.begin(), column.end(),
                                  [](const std::string& text) { return text.empty(); });
    parameters->TextArray(bare ? std::span<const std::string>() : column);
  }
}

void ColumnSet::Clear() {
  for (auto& column : numbers_) column.clear();
  for (auto& column : texts_) column.clear();
  rows_ = 0;
  text_bytes_ = 0;
}

}  // namespace vigil::postgres
