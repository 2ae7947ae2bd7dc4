// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/page_packer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "server/postgres/binary.h"

namespace vigil::postgres {
namespace {

constexpr size_t kPage = 8'192 - 24;

struct Row {
  int64_t series = 0;
  size_t size = 0;
  char first = 0;  // byte of the data
};

// Reads rows of COPY's binary format back.
std::vector<Row> Parse(const std::string& copy) {
  std::vector<Row> rows;
  size_t at = 0;
  const auto field = [&copy, &at]() {
    const auto size = static_cast<size_t>(ReadInt(std::string_view(copy).substr(at, 4)));
    const std::string_view bytes = std::string_view(copy).substr(at + 4, size);
    at += 4 + size;
    return bytes;
  };
  while (at < copy.size()) {
    Row& row = rows.emplace_back();
    at += 2;
    row.series = ReadInt(field());
    for (int i = 0; i < 5; ++i) field();
    const std::string_view data = field();
    row.size = data.size();
    row.first = data.empty() ? '\0' : data.front();
  }
  return rows;
}

// Pages that PostgreSQL needs when it fills them in this order.
size_t Pages(const std::vector<Row>& rows) {
  size_t pages = 1;
  size_t left = kPage;
  for (const Row& row : rows) {
    const size_t need = HeapBytes(row.size);
    if (need > left) {
      ++pages;
      left = kPage;
    }
    left -= need;
  }
  return pages;
}

class PagePackerTest : public testing::Test {
 protected:
  void Add(int64_t series, size_t size, TimestampMs min_time = 0, char first = 'x') {
    const std::string data(size, first);
    packer_.Add({series, min_time, min_time + 1, 2, 0, data, 1}, &copy_);
    given_.push_back({series, size, first});
  }
  std::vector<Row> Finish() {
    packer_.Finish(&copy_);
    return Parse(copy_);
  }

  PagePacker packer_;
  std::string copy_;
  std::vector<Row> given_;
};

TEST_F(PagePackerTest, PagesAreFull) {
  std::mt19937 random(1);
  size_t bytes = 0;
  for (int64_t i = 0; i < 3'000; ++i) {
    const size_t size = 900 + random() % 1'000;
    bytes += HeapBytes(size);
    Add(i, size);
  }
  const std::vector<Row> rows = Finish();
  const auto least = static_cast<double>(bytes) / kPage;
  EXPECT_LT(static_cast<double>(Pages(rows)), 1.01 * least);
  EXPECT_GT(static_cast<double>(Pages(given_)), 1.06 * least);  // as they came
}

TEST_F(PagePackerTest, EachRowComesOnceAndNotFarFromItsPlace) {
  std::mt19937 random(2);
  for (int64_t i = 0; i < 2'000; ++i)
    Add(i, random() % 20 == 0 ? random() % 12'000 : random() % 300);
  const std::vector<Row> rows = Finish();
  ASSERT_EQ(rows.size(), given_.size());
  std::set<int64_t> seen;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto series = static_cast<size_t>(rows[i].series);
    EXPECT_TRUE(seen.insert(rows[i].series).second);
    EXPECT_EQ(rows[i].size, given_[series].size);
    EXPECT_LE(series, i + 64);
  }
}

TEST_F(PagePackerTest, RowsOfOneSeriesAndTimeKeepTheirOrder) {
  for (int64_t i = 0; i < 500; ++i) {
    Add(i, 1'500 + static_cast<size_t>(i), 0, 'a');
    Add(i, 1'500 - static_cast<size_t>(i), 0, 'b');
  }
  char before = 'b';
  for (const Row& row : Finish()) {
    EXPECT_NE(row.first, before);
    before = row.first;
  }
}

TEST_F(PagePackerTest, WhatARowTakes) {
  EXPECT_EQ(HeapBytes(0), 4U + 64);
  EXPECT_EQ(HeapBytes(126), 4U + 184);
  EXPECT_EQ(HeapBytes(1'000), 4U + 1'064);
  EXPECT_EQ(HeapBytes(8'100), 4U + 8'160);
  EXPECT_LT(HeapBytes(9'000), 100U);  // stored elsewhere
}

}  // namespace
}  // namespace vigil::postgres
