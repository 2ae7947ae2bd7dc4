// SPDX-License-Identifier: Apache-2.0
// Space and inodes of mounted filesystems.
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/name_filter.h"
#include "exporters/node/parse/mountinfo.h"
#include "exporters/node/stat_pool.h"

namespace vigil::node {
namespace {

using MetricType = toolkit::MetricSink::MetricType;

constexpr std::string_view kMountPoints = "collector.filesystem.mount-points";
constexpr std::string_view kFsTypes = "collector.filesystem.fs-types";

class FilesystemCollector : public Collector {
 public:
  void AddFlags(toolkit::FlagSet& flags) override {
    flags.String("collector.filesystem.mount-points-exclude",
                 "Regexp of mount points to exclude for filesystem collector. (mutually exclusive "
                 "to mount-points-include)",
                 &mounts_exclude_);
    flags.String("collector.filesystem.mount-points-include",
                 "Regexp of mount points to include for filesystem collector. (mutually exclusive "
                 "to mount-points-exclude)",
                 &mounts_include_);
    flags.String("collector.filesystem.fs-types-exclude",
                 "Regexp of filesystem types to exclude for filesystem collector. (mutually "
                 "exclusive to fs-types-include)",
                 &types_exclude_);
    flags.String("collector.filesystem.fs-types-include",
                 "Regexp of filesystem types to include for filesystem collector. (mutually "
                 "exclusive to fs-types-exclude)",
                 &types_include_);
    flags
        .Duration("collector.filesystem.mount-timeout",
                  "How long to wait for all mounts together before the silent ones count as stuck",
                  &timeout_ms_)
        .Hidden();
    flags
        .Int("collector.filesystem.stat-workers", "How many slow stat calls may run at a time",
             &workers_)
        .Hidden();
  }

  Result<void> Open(const Roots&, const toolkit::FlagSet& flags) override {
    mounts_ = TRY(OpenFilter(flags, kMountPoints, mounts_include_, mounts_exclude_));
    types_ = TRY(OpenFilter(flags, kFsTypes, types_include_, types_exclude_));
    if (timeout_ms_ <= 0) {
      return BadData("--collector.filesystem.mount-timeout must be more than 0");
    }
    pool_ = std::make_unique<StatPool>(static_cast<size_t>(workers_ < 1 ? 1 : workers_));
    return Ok();
  }

  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    const std::vector<Mount> mounts = TRY(ReadMounts(roots));
    std::vector<std::string> paths;
    paths.reserve(mounts.size());
    for (const Mount& mount : mounts) paths.push_back(roots.OnHost(mount.mount_point));
    const std::vector<StatResult> results =
        pool_->Run(paths, std::chrono::milliseconds(timeout_ms_));
    std::unordered_set<std::string> seen;
    for (size_t i = 0; i < mounts.size(); ++i) {
      std::string error = ErrorText(results[i]);
      // Mounted twice over each other it is still one filesystem with one set of numbers.
      std::string key =
          mounts[i].device + '\n' + mounts[i].mount_point + '\n' + mounts[i].fs_type + '\n' + error;
      if (seen.insert(std::move(key)).second) Add(mounts[i], results[i], error, sink);
    }
    return Ok();
  }

 private:
  static Result<NameFilter> OpenFilter(const toolkit::FlagSet& flags, std::string_view base,
                                       const std::string& include, std::string& exclude) {
    // The exclude flag has a default: an include given alone is meant to replace it.
    if (!include.empty() && !flags.WasGiven(std::string(base) + "-exclude")) exclude.clear();
    return NameFilter::Create(include, exclude, "--" + std::string(base));
  }

  static std::string ErrorText(const StatResult& result) {
    switch (result.state) {
      case StatResult::State::kDone:
        return {};
      case StatResult::State::kTimedOut:
        return "mountpoint timeout";
      case StatResult::State::kFailed:
        break;
    }
    // Go's spelling of errno texts, which the label has upstream: lower case.
    std::string text = std::strerror(result.error_number);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
      text[0] = static_cast<char>(text[0] - 'A' + 'a');
    }
    return text;
  }

  Result<std::vector<Mount>> ReadMounts(const Roots& roots) {
    // Process 1 sees the host's mounts; with hidepid it is hidden, and ours must do.
    auto read = ReadFileInto(roots.Proc("1/mountinfo"), &buffer_);
    if (!read) TRY(ReadFileInto(roots.Proc("self/mountinfo"), &buffer_));
    std::vector<Mount> mounts = TRY(ParseMountinfo(buffer_));
    for (Mount& mount : mounts) mount.mount_point = roots.StripRootfs(mount.mount_point);
    std::erase_if(mounts, [&](const Mount& mount) {
      return mounts_.Ignores(mount.mount_point) || types_.Ignores(mount.fs_type);
    });
    return mounts;
  }

  static void Add(const Mount& mount, const StatResult& result, const std::string& error,
                  toolkit::MetricSink& sink) {
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
      sink.Add(sink.Family(name, help, MetricType::kGauge),
               {{"device", mount.device},
                {"mountpoint", mount.mount_point},
                {"fstype", mount.fs_type},
                {"device_error", error}},
               value);
    };
    gauge("node_filesystem_device_error",
          "Whether an error occurred while getting statistics for the given device.",
          error.empty() ? 0 : 1);
    gauge("node_filesystem_readonly", "Filesystem read-only status.", mount.read_only ? 1 : 0);
    if (!error.empty()) return;
    const double block = static_cast<double>(result.stats.f_bsize);
    gauge("node_filesystem_size_bytes", "Filesystem size in bytes.",
          static_cast<double>(result.stats.f_blocks) * block);
    gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.",
          static_cast<double>(result.stats.f_bfree) * block);
    gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.",
          static_cast<double>(result.stats.f_bavail) * block);
    gauge("node_filesystem_files", "Filesystem total file nodes.",
          static_cast<double>(result.stats.f_files));
    gauge("node_filesystem_files_free", "Filesystem total free file nodes.",
          static_cast<double>(result.stats.f_ffree));
    sink.Gauge("node_filesystem_mount_info", "Filesystem mount information.", 1,
               {{"device", mount.device},
                {"major", mount.major},
                {"minor", mount.minor},
                {"mountpoint", mount.mount_point}});
  }

  std::string mounts_include_;
  std::string mounts_exclude_ =
      "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
  std::string types_include_;
  std::string types_exclude_ =
      "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|"
      "iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|"
      "erofs|sysfs|tracefs)$";
  int64_t timeout_ms_ = 5000;
  int64_t workers_ = 4;
  NameFilter mounts_, types_;
  std::unique_ptr<StatPool> pool_;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Collector> Make_filesystem() { return std::make_unique<FilesystemCollector>(); }

}  // namespace vigil::node
