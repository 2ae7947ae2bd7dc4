// SPDX-License-Identifier: Apache-2.0
// `vigilctl push metrics`: pages of metrics go to a server by remote write.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"

namespace vigil::cli {

// The body of a remote write request with every sample of the page. `labels` go over those of the
// page; samples without a time get `now`. bad_data with the line.
Result<std::string> PushBody(std::string_view page, const Labels& labels, TimestampMs now);

// The command; args are the words behind `push metrics`. The exit code.
int RunPushMetrics(const std::vector<std::string>& args);

}  // namespace vigil::cli
