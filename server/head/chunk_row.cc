// SPDX-License-Identifier: Apache-2.0
#include "server/head/chunk_row.h"

#include <utility>

#include "server/chunks/chunk.h"

namespace vigil::head {

void EncodeChunkRow(std::span<const TimestampMs> times, std::span<const double> values,
                    storage::ChunkRow* row, std::string* data) {
  chunks::Chunk chunk;
  chunks::EncodeChunk(times, values, &chunk);
  row->min_time = chunk.min_time;
  row->max_time = chunk.max_time;
  row->count = chunk.count;
  row->encoding = chunk.encoding;
  *data = std::move(chunk.data);
  row->data = *data;
}

}  // namespace vigil::head
