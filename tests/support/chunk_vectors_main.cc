// SPDX-License-Identifier: Apache-2.0
// Writes tests/fixtures/chunks/vectors.txt (chunk_vectors.h) to the standard output:
//   build/release/tests/chunk_vectors > tests/fixtures/chunks/vectors.txt
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

#include "server/chunks/chunk.h"
#include "server/chunks/chunk_encoder.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/journal_page.h"
#include "tests/support/sample_series.h"

namespace vigil::testing {
namespace {

void PrintHex(std::string_view bytes) {
  for (const char c : bytes) std::printf("%02x", static_cast<unsigned>(static_cast<uint8_t>(c)));
}

unsigned long long Bits(double value) { return std::bit_cast<uint64_t>(value); }

void PrintChunk(const std::vector<TimestampMs>& times, const std::vector<double>& values,
                chunks::Packing packing = chunks::Packing::kFast) {
  chunks::Chunk chunk;
  chunks::ChunkEncoder(packing).Encode(times, values, &chunk);
  std::printf("chunk %lld ", static_cast<long long>(chunk.min_time));
  PrintHex(chunk.data);
  for (size_t i = 0; i < times.size(); ++i) {
    std::printf(" %lld:%016llx", static_cast<long long>(times[i]), Bits(values[i]));
  }
  std::puts("");
}

// What a codec must not trip over.
const std::vector<double>& OddValues() {
  static const std::vector<double> values = {
      0.0,
      -0.0,
      1.0,
      -1.5,
      0.1,
      1e300,
      -1e-300,
      std::numeric_limits<double>::denorm_min(),
      -2.2250738585072009e-308,
      std::numeric_limits<double>::max(),
      std::numeric_limits<double>::lowest(),
      std::numeric_limits<double>::infinity(),
      -std::numeric_limits<double>::infinity(),
      NormalNaN(),
      StaleNaN(),
      9007199254740992.0,
      -9007199254740993.0,
      123456.789,
      1.7e9,
  };
  return values;
}

void PrintChunks() {
  std::puts("# every shape of values, with regular, jittered and broken times");
  for (const Shape shape : kShapes) {
    for (const size_t count : {1U, 2U, 3U, 16U, 40U}) {
      PrintChunk(MakeTimes(count, 1'700'000'000'000, 15'000, 0, count),
                 MakeValues(shape, count, count));
    }
    PrintChunk(MakeTimes(30, 1'700'000'000'000, 15'000, 9, 30), MakeValues(shape, 30, 3));
    std::vector<TimestampMs> gap = MakeTimes(30, 1'700'000'000'000, 15'000, 0, 1);
    for (size_t i = 11; i < gap.size(); ++i) gap[i] += 61'000;
    PrintChunk(gap, MakeValues(shape, 30, 4));
  }
  std::puts("# odd values alone, in a counter, in a row");
  for (const double odd : OddValues()) {
    PrintChunk({-1}, {odd});
    std::vector<double> values = MakeValues(Shape::kCounter, 12, 3);
    values[0] = odd;
    values[7] = odd;
    PrintChunk(MakeTimes(12, -90'000, 15'000, 0, 1), values);
  }
  PrintChunk(MakeTimes(OddValues().size(), 0, 1, 0, 1), OddValues());
  std::puts("# far times; SQL's integers do not wrap, so that it stays within +-2^62");
  constexpr int64_t kFar = INT64_MAX / 2;
  PrintChunk({-kFar, kFar}, {1, 2});
  PrintChunk({-kFar, -kFar + 1, 0, kFar - 1, kFar}, {1, 2.5, 3, 4, 5});
}

// What the newer encodings are for: sums of fractions, lines with noise, rare jumps, a few values
// that fit nothing, full mantissas of one magnitude.
void PrintHarderChunks() {
  std::puts("# sums, lines, jumps, odd ones out, full mantissas");
  std::mt19937_64 random(11);
  const auto noise = [&random](int below) {
    return static_cast<double>(random() % static_cast<uint64_t>(below));
  };
  for (const size_t count : {5U, 60U, 130U}) {
    const std::vector<TimestampMs> times = MakeTimes(count, 1'700'000'000'000, 15'000, 0, 1);
    for (int kind = 0; kind < 7; ++kind) {
      std::vector<double> values;
      double sum = 0;
      for (size_t i = 0; i < count; ++i) {
        const auto step = static_cast<double>(i);
        double value = 0;
        if (kind == 0) value = sum += 0.1 * (1 + noise(3));
        if (kind == 1) value = step * 3700 + noise(16);
        if (kind == 2) value = sum += i % 29 == 28 ? 1e6 + noise(99) : noise(4);
        if (kind == 3) value = 4096 * (1000 + noise(30));
        if (kind == 4) value = 1000 + noise(1 << 30) / 10737418.24;
        if (kind == 5) value = i % 31 == 7 ? StaleNaN() : 0.5 + noise(1000) / 1000;
        if (kind == 6)
          value =
              i % 40 == 3 ? -0.0 : std::bit_cast<double>(0x4059000000000000ULL + (random() >> 16));
        values.push_back(value);
      }
      PrintChunk(times, values);
    }
  }
}

// No encoder writes it: three high parts of their own bytes, and indexes of two bits, the second
// and the last of which point behind them. By hand, so that no decoder is its own judge.
void PrintSplitBehindItsList() {
  std::puts("# a split column with indexes behind the end of its list");
  constexpr TimestampMs kFirst = 1'700'000'000'000;
  const std::string body = {
      0x70, 5, 0,           // split values at regular times, five of them, none stale
      0,    0, 0,    0, 0,  // the summary's numbers,
      0,                    // and its resets
      0x14,                 // 20 ms apart
      8,    3,              // low bits, high parts:
      0x45, 1, 0x7f,        // one byte each
      1,    3, 0x11,        // an exception: three over, then 0x11
      0x4c, 3,              // indexes 0, 3, 0, 1 (not looked at), 3
      0x10, 0, 0x30, 7, 9,  // low bits
  };
  const uint32_t checksum = chunks::Crc32c(body);
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>(checksum >> shift & 255));
  }
  std::printf("chunk %lld ", static_cast<long long>(kFirst));
  PrintHex(bytes + body);
  TimestampMs time = kFirst;
  for (const unsigned long long bits : {0x4510ULL, 0x00ULL, 0x4530ULL, 0x1107ULL, 0x09ULL}) {
    std::printf(" %lld:%016llx", static_cast<long long>(time), bits);
    time += 20;
  }
  std::puts("");
}

// What compaction writes: blocks of digits, in all modes, with patches, special values,
// corrections.
void PrintDenseChunks() {
  std::puts("# dense: digits");
  std::mt19937_64 random(12);
  const auto noise = [&random](uint64_t below) { return static_cast<double>(random() % below); };
  for (const size_t count : {35U, 145U}) {
    const std::vector<TimestampMs> times = MakeTimes(count, 1'700'000'000'000, 15'000, 0, 1);
    for (int kind = 0; kind < 8; ++kind) {
      std::vector<double> values;
      double sum = 0;
      for (size_t i = 0; i < count; ++i) {
        const auto step = static_cast<double>(i);
        double value = 0;
        if (kind == 0) value = step * 3700 + noise(600);
        if (kind == 1) value = 7 + noise(5);
        if (kind == 2) value = sum += noise(70);
        if (kind == 3) value = std::sin(step / 40) * 30 + std::round(noise(1000)) / 100;
        if (kind == 4) value = i % 31 == 7 ? StaleNaN() : 0.5 + noise(1100) / 1000;
        if (kind == 5) value = i % 29 == 28 ? 1e7 + noise(99) : noise(67);
        if (kind == 6) value = (20000 + noise(1100)) * (300.0 / 285) / 300;
        if (kind == 7) value = noise(35'000'000'000);
        values.push_back(kind == 3 ? std::round(value * 100) / 100 : value);
      }
      PrintChunk(times, values, chunks::Packing::kDense);
    }
  }
}

void PrintPages() {
  std::puts("# journal pages: scrapes of neighbouring series, then strewn ones");
  std::vector<int64_t> series;
  std::vector<TimestampMs> times;
  std::vector<double> values;
  for (int64_t scrape = 0; scrape < 3; ++scrape) {
    for (int64_t id = 1; id <= 40; ++id) {
      series.push_back(id < 25 ? id : id * id * 1'000'003);
      times.push_back(1'700'000'000'000 + scrape * 15'000 + (id % 13 == 0 ? 7 : 0));
      const auto odd = static_cast<size_t>(id) % OddValues().size();
      values.push_back(id % 3 == 0 ? OddValues()[odd] : static_cast<double>(id * 3 / 4 + scrape));
    }
  }
  std::vector<std::string> pages;
  chunks::EncodeJournalPages(series, times, values, &pages);
  chunks::EncodeJournalPages(std::vector<int64_t>{INT64_MAX / 2, 1},
                             std::vector<TimestampMs>{-5, 0}, std::vector<double>{1, 1}, &pages);
  for (const std::string& page : pages) {
    chunks::JournalSamples samples;
    if (!chunks::DecodeJournalPage(page, &samples)) continue;
    std::printf("page ");
    PrintHex(page);
    for (size_t i = 0; i < samples.size(); ++i) {
      std::printf(" %lld:%lld:%016llx", static_cast<long long>(samples.series[i]),
                  static_cast<long long>(samples.timestamps[i]), Bits(samples.values[i]));
    }
    std::puts("");
  }
}

}  // namespace
}  // namespace vigil::testing

int main() {
  std::puts("# Written by tests/support/chunk_vectors_main.cc. See chunk_vectors.h.");
  vigil::testing::PrintChunks();
  vigil::testing::PrintHarderChunks();
  vigil::testing::PrintSplitBehindItsList();
  vigil::testing::PrintDenseChunks();
  vigil::testing::PrintPages();
}
