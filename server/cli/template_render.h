// SPDX-License-Identifier: Apache-2.0
// `vigilctl template render`: amtool's, a look at what a notification template makes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/template/alert_data.h"

namespace vigil::cli {

// What is rendered when no data is given.
tmpl::Notification SampleNotification(TimestampMs now);
// From the JSON of a notification, as webhooks get it. bad_data when it is none.
Result<tmpl::Notification> ReadNotification(std::string_view json);

// args are the words behind the command. The exit code.
int RunTemplateRender(const std::vector<std::string>& args);

}  // namespace vigil::cli
