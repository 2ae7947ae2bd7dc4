// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_blocks.h"

#include "server/postgres/connection.h"

namespace vigil::postgres {

Result<std::vector<storage::Block>> ReadBlocks(const std::string& conninfo, int64_t timeout_ms) {
  auto connection = TRY(Connection::Open(conninfo, "vigil-blocks", {}, timeout_ms));
  const Rows rows = TRY(connection->Query(
      "SELECT min_time, end_time, n_chunks, n_samples, generation, rel FROM vigil.leaf "
      "ORDER BY min_time, class",
      timeout_ms));
  std::vector<storage::Block> blocks;
  for (int i = 0; i < rows.size(); ++i) {
    storage::Block& block = blocks.emplace_back();
    block.min_time = rows.Int(i, 0);
    block.end_time = rows.Int(i, 1);
    block.chunks = rows.Int(i, 2);
    block.samples = rows.Int(i, 3);
    block.rewritten = static_cast<int32_t>(rows.Int(i, 4));
    block.name = rows.Bytes(i, 5);
  }
  return blocks;
}

}  // namespace vigil::postgres
