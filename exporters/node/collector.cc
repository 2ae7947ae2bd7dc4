// SPDX-License-Identifier: Apache-2.0
// Paths below the roots, and what a collector does by default.
#include "exporters/node/collector.h"

#include <utility>

namespace vigil::node {

std::string Roots::Join(const std::string& root, std::string_view path) {
  std::string joined;
  joined.reserve(root.size() + 1 + path.size());
  joined = root;
  if (joined.empty() || joined.back() != '/') joined.push_back('/');
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  joined.append(path);
  return joined;
}

std::string Roots::OnHost(std::string_view path) const { return Join(rootfs, path); }

std::string Roots::StripRootfs(std::string_view path) const {
  if (rootfs != "/" && path.starts_with(rootfs)) path.remove_prefix(rootfs.size());
  return path.empty() ? "/" : std::string(path);
}

// The kind stands for nothing else among collectors: files give not_found or internal.
Error NoData(std::string message) { return Unavailable(std::move(message)); }

bool IsNoData(const Error& error) { return error.kind == ErrorKind::kUnavailable; }

void Collector::AddFlags(toolkit::FlagSet&) {}

Result<void> Collector::Open(const Roots&, const toolkit::FlagSet&) { return Ok(); }

void Collector::Reload(const Roots&) {}

}  // namespace vigil::node
