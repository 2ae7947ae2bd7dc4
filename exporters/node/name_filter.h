// SPDX-License-Identifier: Apache-2.0
// Include and exclude patterns for names of devices, mounts and fields, as upstream's flags have
// them: RE2, unanchored, one of the two at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "client-lib/base/result.h"
#include "client-lib/model/matcher.h"

namespace vigil::node {

// An unanchored regular expression: upstream's flags match anywhere in the name.
// Threads: any (immutable).
class Pattern {
 public:
  // flag: for the error, e.g. "--collector.vmstat.fields".
  static Result<Pattern> Compile(std::string_view pattern, std::string_view flag);
  [[nodiscard]] bool Matches(std::string_view text) const { return regexp_.Matches(text); }

 private:
  explicit Pattern(Regexp regexp) : regexp_(std::move(regexp)) {}
  Regexp regexp_;
};

// Empty patterns do not restrict. Remembers its answers: the names of one host are few and the
// same at every scrape.
// Threads: one at a time.
class NameFilter {
 public:
  NameFilter() = default;
  // bad_data when both are given; flag_base: "--collector.netdev.device" for the messages.
  static Result<NameFilter> Create(std::string_view include, std::string_view exclude,
                                   std::string_view flag_base);
  [[nodiscard]] bool Ignores(std::string_view name);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::optional<Pattern> include_;
  std::optional<Pattern> exclude_;
  std::unordered_map<std::string, bool, Hash, std::equal_to<>> known_;
};

}  // namespace vigil::node
