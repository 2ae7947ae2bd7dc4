// SPDX-License-Identifier: Apache-2.0
// Decoders of chunks and journal pages in plain C99, written from the format texts in
// server/chunks/chunk.h and journal_page.h and nothing else: for PostgreSQL backends. Every read is
// bounds-checked; no input makes them touch memory outside what they were given.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// No chunk has more samples; a number above it is damage.
#define VIGIL_MAX_SAMPLES (1U << 20)
#define VIGIL_STALE_BITS UINT64_C(0x7ff0000000000002)

typedef struct VigilReader {
  const uint8_t* at;
  const uint8_t* end;
} VigilReader;

typedef struct VigilChunk {
  unsigned time_encoding;
  unsigned value_encoding;  // 5: histograms, which are not decoded here
  uint32_t n;
  VigilReader body;  // from the times on
} VigilChunk;

// All functions return NULL, or what is wrong. Checksums are the caller's business.

// Reads the head of a chunk up to its times.
const char* VigilOpenChunk(const uint8_t* data, size_t size, VigilChunk* chunk);
// Fills chunk->n times and bit patterns of values. The value encoding must not be 5.
const char* VigilDecodeChunk(const VigilChunk* chunk, int64_t min_time, int64_t* times,
                             uint64_t* bits);

typedef struct VigilPageSample {
  uint32_t position;  // in the page, rising
  int64_t series;
  int64_t time;
  uint64_t bits;
} VigilPageSample;

// The samples of a page of format 1 that are of the `wanted` series (sorted, without doubles).
// *out has room for `room` samples; when there are more, *count says how many and nothing is
// decoded: call again with enough room.
const char* VigilDecodePage(const uint8_t* data, size_t size, const int64_t* wanted,
                            size_t wanted_count, VigilPageSample* out, size_t room, size_t* count);

#ifdef __cplusplus
}
#endif
