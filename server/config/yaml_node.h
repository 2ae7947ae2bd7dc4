// SPDX-License-Identifier: Apache-2.0
// A YAML document as a tree that remembers where everything stood.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::config {

struct Position {
  int line = 1;  // both from 1
  int column = 1;
};

struct YamlNode;
using YamlPtr = std::shared_ptr<const YamlNode>;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Position position;
  std::string text;     // of a scalar
  bool quoted = false;  // the scalar stood in quotes: a text even if it looks like a number
  std::vector<YamlPtr> items;
  // Keys are scalars and differ; merge keys (<<) are resolved.
  std::vector<std::pair<YamlPtr, YamlPtr>> entries;
  size_t expanded_size = 1;  // nodes below and including this, aliases counted in full
};

// The first document of the text; an empty one is kNull. JSON is read as the YAML it is. bad_data:
// `x.yml:3:7: <reason>`.
Result<YamlPtr> ParseYaml(std::string_view text, const std::string& filename);

// "file:line:column"
std::string At(const std::string& filename, Position position);

}  // namespace vigil::config
