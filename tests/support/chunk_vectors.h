// SPDX-License-Identifier: Apache-2.0
// Chunks and journal pages with what they decode to, as text: tests/fixtures/chunks/vectors.txt.
// Every decoder there is (C++, PL/pgSQL, the C extension) is held to the same lines:
//   chunk <min_time> <hex of the chunk> <time>:<hex of the value's bits> ...
//   page <hex of the page> <series>:<time>:<hex of the value's bits> ...
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "client-lib/model/sample.h"

namespace vigil::testing {

struct VectorSample {
  int64_t series = 0;  // of pages
  TimestampMs time = 0;
  uint64_t bits = 0;
};

struct ChunkVector {
  bool is_page = false;
  TimestampMs min_time = 0;  // of chunks
  std::string bytes;
  std::vector<VectorSample> samples;
};

inline std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline VectorSample ParseVectorSample(const std::string& text, bool is_page) {
  VectorSample sample;
  size_t at = 0;
  if (is_page) {
    sample.series = std::stoll(text);
    at = text.find(':') + 1;
  }
  sample.time = std::stoll(text.substr(at));
  sample.bits = std::stoull(text.substr(text.rfind(':') + 1), nullptr, 16);
  return sample;
}

// Empty when the file cannot be read.
inline std::vector<ChunkVector> LoadChunkVectors(const std::string& path) {
  std::vector<ChunkVector> vectors;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string word;
    ChunkVector& vector = vectors.emplace_back();
    words >> word;
    vector.is_page = word == "page";
    if (!vector.is_page) words >> vector.min_time;
    words >> word;
    vector.bytes = FromHex(word);
    while (words >> word) vector.samples.push_back(ParseVectorSample(word, vector.is_page));
  }
  return vectors;
}

}  // namespace vigil::testing
