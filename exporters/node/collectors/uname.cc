// SPDX-License-Identifier: Apache-2.0
// Names of the kernel and of this host by uname(2).
#include <sys/utsname.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "exporters/node/collectors/list.h"

namespace vigil::node {
namespace {

class UnameCollector : public Collector {
 public:
  Result<void> Update(const Roots&, toolkit::MetricSink& sink) override {
    utsname names{};
    if (uname(&names) != 0) return Internal(std::string("uname: ") + std::strerror(errno));
    sink.Gauge("node_uname_info",
               "Labeled system information as provided by the uname system call.", 1,
               {{"sysname", names.sysname},
                {"release", names.release},
                {"version", names.version},
                {"machine", names.machine},
                {"nodename", names.nodename},
                {"domainname", names.domainname}});
    return Ok();
  }
};

}  // namespace

std::unique_ptr<Collector> Make_uname() { return std::make_unique<UnameCollector>(); }

}  // namespace vigil::node
