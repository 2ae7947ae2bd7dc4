// SPDX-License-Identifier: Apache-2.0
// Chosen fields of /proc/vmstat.
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client-lib/base/files.h"
#include "exporters/node/collectors/list.h"
#include "exporters/node/name_filter.h"
#include "exporters/node/parse/key_values.h"

namespace vigil::node {
namespace {

class VmstatCollector : public Collector {
 public:
  void AddFlags(toolkit::FlagSet& flags) override {
    flags.String("collector.vmstat.fields", "Regexp of fields to return for vmstat collector.",
                 &pattern_);
  }

  Result<void> Open(const Roots&, const toolkit::FlagSet&) override {
    fields_ = TRY(NameFilter::Create(pattern_, "", "--collector.vmstat.fields"));
    return Ok();
  }

  Result<void> Update(const Roots& roots, toolkit::MetricSink& sink) override {
    TRY(ReadFileInto(roots.Proc("vmstat"), &buffer_));
    TRY(ParseVmstat(buffer_, &values_));
    for (const KeyValue& row : values_) {
      if (fields_.Ignores(row.key)) continue;
      name_.assign("node_vmstat_").append(row.key);
      help_.assign("/proc/vmstat information field ").append(row.key).append(".");
      sink.Add(sink.Family(name_, help_, toolkit::MetricSink::MetricType::kUnknown),
               static_cast<double>(row.value));
    }
    return Ok();
  }

 private:
  std::string pattern_ = "^(oom_kill|pgpg|pswp|pg.*fault).*";
  NameFilter fields_;
  std::string buffer_, name_, help_;
  std::vector<KeyValue> values_;
};

}  // namespace

std::unique_ptr<Collector> Make_vmstat() { return std::make_unique<VmstatCollector>(); }

}  // namespace vigil::node
