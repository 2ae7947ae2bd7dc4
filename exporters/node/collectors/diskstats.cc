// SPDX-License-Identifier: Apache-2.0
// Disk I/O from /proc/diskstats, with what udev and sysfs know about each disk.
#include "exporters/node/parse/diskstats.h"

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/model/float_text.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/name_filter.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

using MetricType = toolkit::MetricSink::MetricType;

constexpr std::string_view kDefaultExclude =
    "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$";

// Counts as they are; sectors of 512 bytes whatever the disk's own; milliseconds. The factors are
// multiplied, not divided: so are upstream's, and the last digit shows.
constexpr double kCount = 1;
constexpr double kSector = 512;
constexpr double kMillisecond = 0.001;

struct Column {
  std::string_view name;
  std::string_view help;
  double factor;
  MetricType type = MetricType::kCounter;
};
// In the order of the file's columns.
constexpr Column kColumns[kDiskColumns] = {
    {"node_disk_reads_completed_total", "The total number of reads completed successfully.",
     kCount},
    {"node_disk_reads_merged_total", "The total number of reads merged.", kCount},
    {"node_disk_read_bytes_total", "The total number of bytes read successfully.", kSector},
    {"node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.",
     kMillisecond},
    {"node_disk_writes_completed_total", "The total number of writes completed successfully.",
     kCount},
    {"node_disk_writes_merged_total", "The number of writes merged.", kCount},
    {"node_disk_written_bytes_total", "The total number of bytes written successfully.", kSector},
    {"node_disk_write_time_seconds_total",
     "This is the total number of seconds spent by all writes.", kMillisecond},
    {"node_disk_io_now", "The number of I/Os currently in progress.", kCount, MetricType::kGauge},
    {"node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", kMillisecond},
    {"node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.",
     kMillisecond},
    {"node_disk_discards_completed_total", "The total number of discards completed successfully.",
     kCount},
    {"node_disk_discards_merged_total", "The total number of discards merged.", kCount},
    {"node_disk_discarded_sectors_total", "The total number of sectors discarded successfully.",
     kCount},
    {"node_disk_discard_time_seconds_total",
     "This is the total number of seconds spent by all discards.", kMillisecond},
    {"node_disk_flush_requests_total", "The total number of flush requests completed successfully",
     kCount},
    {"node_disk_flush_requests_time_seconds_total",
     "This is the total number of seconds spent by all flush requests.", kMillisecond}};

struct AtaRow {
  std::string_view property;
  std::string_view name;
  std::string_view help;
};
constexpr AtaRow kAtaRows[] = {
    {"ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."},
    {"ID_ATA_WRITE_CACHE_ENABLED", "node_disk_ata_write_cache_enabled",
     "ATA disk has its write cache enabled."},
    {"ID_ATA_ROTATION_RATE_RPM", "node_disk_ata_rotation_rate_rpm",
     "ATA disk rotation rate in RPMs (0 for SSDs)."}};

// A udev file as it was when last read; a changed file has another time or size.
struct CachedUdev {
  timespec modified{};
  off_t size = 0;
  UdevProperties properties;
};

class DiskstatsCollector : public Collector {
 public:
  void AddFlags(toolkit::FlagSet& flags) override {
    flags.String("collector.diskstats.device-exclude",
                 "Regexp of diskstats devices to exclude (mutually exclusive to device-include).",
                 &exclude_);
    flags.String("collector.diskstats.device-include",
                 "Regexp of diskstats devices to include (mutually exclusive to device-exclude).",
                 &include_);
  }

  Result<void> Open(const Roots& roots, const toolkit::FlagSet& flags) override {
    if (!include_.empty() && !flags.WasGiven("collector.diskstats.device-exclude")) {
      exclude_.clear();
    }
    filter_ = TRY(NameFilter::Create(include_, exclude_, "--collector.diskstats.device"));
    if (!DirectoryExists(roots.udev)) {
      log::Error("node", "udev database is missing, its labels stay empty: see --path.udev.data",
                 {{"path", roots.udev}});
    }
    return Ok();
  }

  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    TRY(ReadFileInto(roots.Proc("diskstats"), &buffer_));
    TRY(ParseDiskstats(buffer_, &disks_));
    std::erase_if(disks_, [&](const DiskStats& disk) { return filter_.Ignores(disk.device); });
    for (size_t i = 0; i < kDiskColumns; ++i) AddColumn(i, sink);
    for (const DiskStats& disk : disks_) {
      const UdevProperties& udev = Udev(roots, disk);
      AddInfo(roots, disk, udev, sink);
      AddFilesystem(disk, udev, sink);
      AddDeviceMapper(disk, udev, sink);
      AddAta(disk, udev, sink);
    }
    return Ok();
  }

 private:
  void AddColumn(size_t i, toolkit::MetricSink& sink) const {
    std::optional<toolkit::MetricSink::FamilyId> family;
    for (const DiskStats& disk : disks_) {
      if (i >= disk.column_count) continue;
      if (!family) family = sink.Family(kColumns[i].name, kColumns[i].help, kColumns[i].type);
      sink.Add(*family, {{"device", disk.device}},
               static_cast<double>(disk.columns[i]) * kColumns[i].factor);
    }
  }

  const UdevProperties& Udev(const Roots& roots, const DiskStats& disk) {
    const std::string file = "b" + std::to_string(disk.major) + ":" + std::to_string(disk.minor);
    CachedUdev& cached = udev_[file];
    const std::string path = roots.Udev(file);
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) {
      cached = CachedUdev();
      return cached.properties;
    }
    if (info.st_size == cached.size && info.st_mtim.tv_sec == cached.modified.tv_sec &&
        info.st_mtim.tv_nsec == cached.modified.tv_nsec) {
      return cached.properties;
    }
    auto text = ReadFile(path);
    if (!text) log::Debug("node", "cannot read udev file", {{"error", text.error()}});
    cached = {info.st_mtim, info.st_size, UdevProperties::Parse(text ? *text : std::string())};
    return cached.properties;
  }

  static void AddInfo(const Roots& roots, const DiskStats& disk, const UdevProperties& udev,
                      toolkit::MetricSink& sink) {
    // The first of these is usually what the disk's label says; virtio disks have only the last.
    std::string_view serial;
    for (const std::string_view name : {"SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"}) {
      if (serial.empty()) serial = udev.Get(name);
    }
    const std::string queue = "block/" + std::string(disk.device) + "/queue/rotational";
    auto rotational = ReadUintFile(roots.Sys(queue));
    const auto family =
        sink.Family("node_disk_info", "Info of /sys/block/<block_device>.", MetricType::kGauge);
    sink.Add(family,
             {{"device", disk.device},
              {"major", NumberText(disk.major)},
              {"minor", NumberText(disk.minor)},
              {"path", udev.Get("ID_PATH")},
              {"wwn", udev.Get("ID_WWN")},
              {"model", udev.Get("ID_MODEL")},
              {"serial", serial},
              {"revision", udev.Get("ID_REVISION")},
              {"rotational", rotational && *rotational != 0 ? "1" : "0"}},
             1);
  }

  static void AddFilesystem(const DiskStats& disk, const UdevProperties& udev,
                            toolkit::MetricSink& sink) {
    if (udev.Get("ID_FS_TYPE").empty()) return;
    sink.Gauge("node_disk_filesystem_info", "Info about disk filesystem.", 1,
               {{"device", disk.device},
                {"type", udev.Get("ID_FS_TYPE")},
                {"usage", udev.Get("ID_FS_USAGE")},
                {"uuid", udev.Get("ID_FS_UUID")},
                {"version", udev.Get("ID_FS_VERSION")}});
  }

  static void AddDeviceMapper(const DiskStats& disk, const UdevProperties& udev,
                              toolkit::MetricSink& sink) {
    if (udev.Get("DM_NAME").empty()) return;
    sink.Gauge("node_disk_device_mapper_info", "Info about disk device mapper.", 1,
               {{"device", disk.device},
                {"name", udev.Get("DM_NAME")},
                {"uuid", udev.Get("DM_UUID")},
                {"vg_name", udev.Get("DM_VG_NAME")},
                {"lv_name", udev.Get("DM_LV_NAME")},
                {"lv_layer", udev.Get("DM_LV_LAYER")}});
  }

  static void AddAta(const DiskStats& disk, const UdevProperties& udev, toolkit::MetricSink& sink) {
    if (udev.Get("ID_ATA").empty()) return;
    for (const AtaRow& row : kAtaRows) {
      const std::optional<double> value = ParseFloat(udev.Get(row.property));
      if (value) sink.Gauge(row.name, row.help, *value, {{"device", disk.device}});
    }
  }

  std::string include_;
  std::string exclude_{kDefaultExclude};
  NameFilter filter_;
  std::string buffer_;
  std::vector<DiskStats> disks_;
  std::unordered_map<std::string, CachedUdev> udev_;
};

}  // namespace

std::unique_ptr<Collector> Make_diskstats() { return std::make_unique<DiskstatsCollector>(); }

}  // namespace vigil::node
