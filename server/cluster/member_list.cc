// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/member_list.h"

#include "client-lib/base/log.h"

namespace vigil::cluster {
namespace {

constexpr int64_t kFreshNs = 2'000'000'000;

}  // namespace

std::vector<postgres::Member> MemberList::Get() {
  const int64_t now_ns = clock_.MonotonicNs();
  Asked known = asked_.Copy();
  if (known.ever && now_ns - known.at_ns < kFreshNs) return known.members;
  auto members = read_();
  if (members) {
    known.members = *std::move(members);
  } else {
    log::Warn("cluster", "who shares the database is not known", {{"err", members.error()}});
  }
  known.ever = true;
  known.at_ns = now_ns;
  asked_.Set(known);
  return known.members;
}

}  // namespace vigil::cluster
