// SPDX-License-Identifier: Apache-2.0
// What a collector is: one source of samples, with its own flags, reading below given roots.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "exporters/toolkit/flags.h"
#include "exporters/toolkit/metric_sink.h"

namespace vigil::node {

// Where the host is mounted: no collector knows a global path, so tests feed a fixture tree.
struct Roots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string rootfs = "/";
  std::string udev = "/run/udev/data";

  [[nodiscard]] std::string Proc(std::string_view path) const { return Join(proc, path); }
  [[nodiscard]] std::string Sys(std::string_view path) const { return Join(sys, path); }
  [[nodiscard]] std::string Udev(std::string_view path) const { return Join(udev, path); }
  // A path as the host sees it, seen from here, and back ("/" for the root itself).
  [[nodiscard]] std::string OnHost(std::string_view path) const;
  [[nodiscard]] std::string StripRootfs(std::string_view path) const;

 private:
  static std::string Join(const std::string& root, std::string_view path);
};

// "This host has no such thing": not logged as an error, yet success is 0.
Error NoData(std::string message);
bool IsNoData(const Error& error);

// Life: constructed with defaults, AddFlags, (flags are parsed), Open when enabled, then Update per
// scrape. A collector keeps its buffers from scrape to scrape.
// Threads: one at a time; Reload may run while Update does.
class Collector {
 public:
  Collector() = default;
  virtual ~Collector() = default;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // --collector.NAME.*, bound to members.
  virtual void AddFlags(toolkit::FlagSet& flags);
  // An error here is a start-up error: a flag makes no sense.
  virtual Result<void> Open(const Roots& roots, const toolkit::FlagSet& flags);
  virtual Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) = 0;
  // SIGHUP: what is loaded once is loaded again.
  virtual void Reload(const Roots& roots);
};

}  // namespace vigil::node
