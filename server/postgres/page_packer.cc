// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/page_packer.h"

#include <algorithm>
#include <bitset>
#include <utility>

#include "server/postgres/chunk_flush.h"

namespace vigil::postgres {
namespace {

constexpr size_t kMaxWaiting = 64;
constexpr size_t kMaxWaitingBytes = 256U << 10;
// Line pointers are the smallest thing on a page.
constexpr size_t kUnit = 4;
constexpr size_t kPageUnits = (8'192 - 24) / kUnit;
constexpr size_t kHeader = 24;
constexpr size_t kFixedColumns = 3 * 8 + 4 + 2 * 2;
constexpr size_t kShortBytea = 126;  // with a length of one byte
// The line pointer and what is left of a row whose data is stored elsewhere.
constexpr size_t kOutOfLine = 4 + kHeader + kFixedColumns + 24;

using Sums = std::bitset<kPageUnits + 1>;

}  // namespace

size_t HeapBytes(size_t data_bytes) {
  const size_t length = data_bytes <= kShortBytea ? 1 : 4;
  const size_t tuple = kHeader + kFixedColumns + length + data_bytes;
  return tuple > kInlineRowBytes ? kOutOfLine : kUnit + (tuple + 7) / 8 * 8;
}

void PagePacker::Add(const storage::ChunkRow& row, std::string* copy) {
  const bool together = !waiting_.empty() && waiting_.back().series == row.series &&
                        waiting_.back().min_time == row.min_time;
  if (!together) {
    while (waiting_.size() >= kMaxWaiting || bytes_ >= kMaxWaitingBytes) GivePage(copy);
    waiting_.push_back({row.series, row.min_time, 0, {}});
  }
  Item& item = waiting_.back();
  const size_t before = item.bytes.size();
  AppendChunkRow(row, &item.bytes);
  item.units += HeapBytes(row.data.size()) / kUnit;
  bytes_ += item.bytes.size() - before;
}

void PagePacker::Finish(std::string* copy) {
  while (!waiting_.empty()) GivePage(copy);
}

// The oldest row and those that fill its page best; of equally good ones the older ones.
void PagePacker::GivePage(std::string* copy) {
  const size_t first = waiting_.front().units;
  const size_t room = first < kPageUnits ? kPageUnits - first : 0;
  // sums[i]: what the rows 1..i can add up to.
  std::vector<Sums> sums(waiting_.size());
  sums[0].set(0);
  for (size_t i = 1; i < waiting_.size(); ++i) {
    sums[i] = sums[i - 1];
    if (waiting_[i].units <= room) sums[i] |= sums[i - 1] << waiting_[i].units;
  }
  size_t left = room;
  while (!sums.back()[left]) --left;
  std::vector<size_t> chosen;
  for (size_t i = waiting_.size() - 1; i > 0 && left > 0; --i) {
    if (sums[i - 1][left]) continue;
    left -= waiting_[i].units;
    chosen.push_back(i);
  }
  chosen.push_back(0);
  for (auto index = chosen.rbegin(); index != chosen.rend(); ++index) Take(*index, copy);
  std::erase_if(waiting_, [](const Item& item) { return item.bytes.empty(); });
}

void PagePacker::Take(size_t index, std::string* copy) {
  bytes_ -= waiting_[index].bytes.size();
  copy->append(waiting_[index].bytes);
  waiting_[index].bytes.clear();
}

}  // namespace vigil::postgres
