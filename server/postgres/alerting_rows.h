// SPDX-License-Identifier: Apache-2.0
// What alerting keeps, as columns of statements and back. Each type has a place here where its
// fields stand in the order of its table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "server/alerting/silence.h"
#include "server/postgres/binary.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

// Rows that statements take at once.
inline constexpr size_t kAlertingRowsPerStatement = 5'000;
// Alerts or events of one row of arrays, and bytes of their texts, about.
inline constexpr size_t kAlertingRowsPerPage = 500;
inline constexpr size_t kAlertingPageBytes = 4'000'000;

// PostgreSQL's text.
std::string StorableText(std::string_view text);
// Array literals for a cast to text[] or int8[].
std::string PairsLiteral(const Labels& labels);
std::string PairsLiteral(const alerting::StringMap& map);
std::string TextsLiteral(const std::vector<std::string>& texts);
std::string NumbersLiteral(const std::vector<uint64_t>& numbers);
std::string MatchersLiteral(const alerting::LabelMatchers& matchers);

// The same columns as they are read. internal when they are something else.
Result<Labels> ReadLabels(const Rows& rows, int row, int column);
Result<alerting::StringMap> ReadMap(const Rows& rows, int row, int column);
Result<std::vector<std::string>> ReadTexts(const Rows& rows, int row, int column);
// An int8[] column.
Result<std::vector<uint64_t>> ReadNumbers(const Rows& rows, int row, int column);
Result<alerting::LabelMatchers> ReadMatchers(const Rows& rows, int row, int column);
std::string ReadString(const Rows& rows, int row, int column);

// Columns of unnest(): numbers first, then texts, as the statement wants them.
class ColumnSet {
 public:
  ColumnSet(size_t numbers, size_t texts) : numbers_(numbers), texts_(texts) {}
  // REQUIRES: as many as there are columns.
  template <size_t N>
  void Add(std::initializer_list<int64_t> numbers, std::string (&&texts)[N]) {
    AddRow(numbers, texts);
  }
  void Add(std::initializer_list<int64_t> numbers) { AddRow(numbers, {}); }
  [[nodiscard]] size_t rows() const { return rows_; }
  [[nodiscard]] bool IsFullPage() const {
    return rows_ >= kAlertingRowsPerPage || text_bytes_ >= kAlertingPageBytes;
  }
  [[nodiscard]] const std::vector<int64_t>& numbers(size_t column) const {
    return numbers_[column];
  }
  [[nodiscard]] Parameters parameters() const;
  // As one row of arrays: a column of nothing but empty texts is an empty array.
  void AppendPage(Parameters* parameters) const;
  void Clear();

 private:
  // The texts are taken.
  void AddRow(std::initializer_list<int64_t> numbers, std::span<std::string> texts);

  std::vector<std::vector<int64_t>> numbers_;
  std::vector<std::vector<std::string>> texts_;
  size_t rows_ = 0;
  size_t text_bytes_ = 0;
};

// One statement per so many rows: `add` puts the row of one item into the columns.
template <typename Items, typename Adder>
Result<void> WriteRows(Connection* connection, const std::string& sql, const Items& items,
                       ColumnSet columns, int64_t timeout_ms, Adder&& add) {
  const auto write = [&]() -> Result<void> {
    TRY(connection->Query(sql, columns.parameters(), timeout_ms));
    columns.Clear();
    return Ok();
  };
  for (const auto& item : items) {
    add(item, &columns);
    if (columns.rows() == kAlertingRowsPerStatement) TRY(write());
  }
  return columns.rows() == 0 ? Ok() : write();
}

}  // namespace vigil::postgres
