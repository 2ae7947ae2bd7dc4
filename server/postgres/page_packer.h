// SPDX-License-Identifier: Apache-2.0
// The order in which chunk rows fill heap pages. Rows are large beside a page of 8 kB: in the order
// of their series a tenth of the pages stays empty. Within a window of rows those are put together
// that fill a page.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/storage/backend.h"

namespace vigil::postgres {

// What a row of the chunk table takes of a heap page when it is stored in line: line pointer,
// header, columns, padding.
size_t HeapBytes(size_t data_bytes);

// Rows larger than a quarter of a page stay in line, too (toast_tuple_target of merged leaves).
inline constexpr size_t kInlineRowBytes = 8'160;

// Threads: owner thread only.
class PagePacker {
 public:
  // Takes a row; rows that are in their place now are appended to *copy in COPY's binary format.
  // Each row waits for a bounded number of others. Rows of one series with one min_time keep their
  // order.
  void Add(const storage::ChunkRow& row, std::string* copy);
  // Gives out all that are left.
  void Finish(std::string* copy);

 private:
  // Rows that stay together.
  struct Item {
    storage::SeriesId series = 0;
    TimestampMs min_time = 0;
    size_t units = 0;  // of a page
    std::string bytes;
  };
  void GivePage(std::string* copy);
  void Take(size_t index, std::string* copy);

  std::vector<Item> waiting_;  // oldest first
  size_t bytes_ = 0;
};

}  // namespace vigil::postgres
