// SPDX-License-Identifier: Apache-2.0
// Name filters on the model's anchored regular expressions.
#include "exporters/node/name_filter.h"

#include <utility>

namespace vigil::node {
namespace {

// Names come and go on container hosts (veth, overlay mounts): the memory of them is bounded.
constexpr size_t kMaxKnownNames = 4096;

}  // namespace

Result<Pattern> Pattern::Compile(std::string_view pattern, std::string_view flag) {
  // Regexp is anchored; the pattern is compiled alone first so that an unbalanced parenthesis is
  // an error of the flag and cannot close the group around it.
  auto alone = Regexp::Compile(pattern);
  if (!alone) return std::move(alone).error().Prefixed(flag);
  return Pattern(TRY_CONTEXT(Regexp::Compile(".*(?:" + std::string(pattern) + ").*"), flag));
}

Result<NameFilter> NameFilter::Create(std::string_view include, std::string_view exclude,
                                      std::string_view flag_base) {
  const std::string base(flag_base);
  if (!include.empty() && !exclude.empty()) {
    return BadData(base + "-exclude and " + base + "-include are mutually exclusive");
  }
  NameFilter filter;
  if (!include.empty()) filter.include_ = TRY(Pattern::Compile(include, base + "-include"));
  if (!exclude.empty()) filter.exclude_ = TRY(Pattern::Compile(exclude, base + "-exclude"));
  return filter;
}

bool NameFilter::Ignores(std::string_view name) {
  if (!include_ && !exclude_) return false;
  const auto found = known_.find(name);
  if (found != known_.end()) return found->second;
  const bool ignores =
      (exclude_ && exclude_->Matches(name)) || (include_ && !include_->Matches(name));
  if (known_.size() >= kMaxKnownNames) known_.clear();
  known_.emplace(name, ignores);
  return ignores;
}

}  // namespace vigil::node
