// SPDX-License-Identifier: Apache-2.0
// A chunk of the chunk table as columns in memory of PostgreSQL.
#pragma once

#include <postgres.h>

// Without staleness markers; NaN is the one of SQL.
typedef struct VigilColumns {
  uint32_t n;
  uint32_t room;  // how many fit into what was allocated
  int64_t* times;
  double* values;
} VigilColumns;

// Decodes a chunk into *columns, which is zeroed or was used before; it grows in the current memory
// context or where it was allocated first. What cannot be decoded is a warning and n = 0, as are
// histograms without the warning.
void VigilDecodeColumns(const bytea* data, int64_t min_time, VigilColumns* columns);
