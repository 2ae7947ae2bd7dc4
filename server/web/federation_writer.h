// SPDX-License-Identifier: Apache-2.0
// The page of /federate, in text or protobuf.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/labels.h"
#include "server/web/federate.h"

namespace vigil::web {

// Threads: owner thread only.
class FederationWriter {
 public:
  explicit FederationWriter(FederationFormat format) : format_(format) {}

  // labels: those to write, without the name. Samples of one name must come one after the other; a
  // family begins where the name or the kind of sample changes.
  void Add(const FederatedSample& sample, std::span<const LabelView> labels);
  std::string Take();

 private:
  void EndFamily();
  void AddText(const FederatedSample& sample, std::span<const LabelView> labels);
  void AddProtobuf(const FederatedSample& sample, std::span<const LabelView> labels);

  const FederationFormat format_;
  std::string page_;
  // Of the family that is being written.
  std::string name_;
  int type_ = -1;       // as the protobuf numbers it; -1: no family yet
  std::string family_;  // the protobuf message so far
};

}  // namespace vigil::web
