// SPDX-License-Identifier: Apache-2.0
// The metadata that remote write requests bring along.
#pragma once

#include <vector>

#include "server/remote/write_request.h"
#include "server/storage/metadata.h"

namespace vigil::remote {

// What the request tells of metrics: of families in 1.0, of each series in 2.0. What is broken or
// has no name is left out.
std::vector<storage::MetricMetadata> MetadataOf(const WriteRequest& request);

}  // namespace vigil::remote
