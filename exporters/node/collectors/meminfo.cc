// SPDX-License-Identifier: Apache-2.0
// Memory from /proc/meminfo.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/parse/key_values.h"

namespace vigil::node {
namespace {

// The fields upstream knows: others the kernel has are not exposed, so that both name the same
// set. Those in pages have no unit suffix.
constexpr std::string_view kByteFields[] = {"MemTotal",       "MemFree",
                                            "MemAvailable",   "Buffers",
                                            "Cached",         "SwapCached",
                                            "Active",         "Inactive",
                                            "Active(anon)",   "Inactive(anon)",
                                            "Active(file)",   "Inactive(file)",
                                            "Unevictable",    "Mlocked",
                                            "SwapTotal",      "SwapFree",
                                            "Zswap",          "Zswapped",
                                            "Dirty",          "Writeback",
                                            "AnonPages",      "Mapped",
                                            "Shmem",          "Slab",
                                            "SReclaimable",   "SUnreclaim",
                                            "KernelStack",    "PageTables",
                                            "NFS_Unstable",   "Bounce",
                                            "WritebackTmp",   "CommitLimit",
                                            "Committed_AS",   "VmallocTotal",
                                            "VmallocUsed",    "VmallocChunk",
                                            "Percpu",         "HardwareCorrupted",
                                            "AnonHugePages",  "ShmemHugePages",
                                            "CmaTotal",       "CmaFree",
                                            "ShmemPmdMapped", "Hugepagesize",
                                            "DirectMap4k",    "DirectMap2M",
                                            "DirectMap1G"};
constexpr std::string_view kCountFields[] = {"HugePages_Total", "HugePages_Free", "HugePages_Rsvd",
                                             "HugePages_Surp"};

class MeminfoCollector : public Collector {
 public:
  MeminfoCollector() {
    for (const std::string_view field : kByteFields) AddField(field, "_bytes");
    for (const std::string_view field : kCountFields) AddField(field, "");
    std::ranges::sort(fields_, {}, &Field::key);
  }

  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    TRY(ReadFileInto(roots.Proc("meminfo"), &buffer_));
    TRY(ParseMeminfo(buffer_, &values_));
    for (const KeyValue& row : values_) {
      const auto field = std::ranges::lower_bound(fields_, row.key, {}, &Field::key);
      if (field == fields_.end() || field->key != row.key) continue;
      sink.Gauge(field->name, field->help, static_cast<double>(row.value));
    }
    return Ok();
  }

 private:
  struct Field {
    std::string_view key;
    std::string name;
    std::string help;
  };

  // "Active(anon)" is node_memory_Active_anon_bytes.
  void AddField(std::string_view key, std::string_view suffix) {
    std::string word(key);
    std::ranges::replace(word, '(', '_');
    std::erase(word, ')');
    word += suffix;
    fields_.push_back({key, "node_memory_" + word, "Memory information field " + word + "."});
  }

  std::vector<Field> fields_;  // sorted by key
  std::string buffer_;
  std::vector<KeyValue> values_;
};

}  // namespace

std::unique_ptr<Collector> Make_meminfo() { return std::make_unique<MeminfoCollector>(); }

}  // namespace vigil::node
