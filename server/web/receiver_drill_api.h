// SPDX-License-Identifier: Apache-2.0
// POST /api/v2/receivers/test: a fire drill.
#pragma once

#include "client-lib/http/message.h"
#include "server/alerting/service.h"

namespace vigil::web {

// The body: {"receiver":"NAME","labels":{},"annotations":{},"resolve":false,"timeout":"30s"}, all
// but the first optional. The answer: an array with {"integration":"webhook","index":0,
// "status":"firing","result":"sent","error":"","code":200,"durationSeconds":0.012} for each
// message, result one of sent, retry (a second try might help) and final. 400 for a body that is
// none, 404 for a receiver that is not there. Blocks until all have answered, a minute at most.
// Threads: any.
http::Response TestReceiver(alerting::AlertingService* service, bool admin_enabled,
                            const http::Request& request);

}  // namespace vigil::web
