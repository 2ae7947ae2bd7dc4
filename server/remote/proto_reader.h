// SPDX-License-Identifier: Apache-2.0
// The wire format's names in this room.
#pragma once

#include "client-lib/base/proto_reader.h"

namespace vigil::remote {

using vigil::ProtoField;
using vigil::ProtoReader;
using vigil::TakeLongVarint;
using vigil::TakeVarint;
using vigil::WireType;

}  // namespace vigil::remote
