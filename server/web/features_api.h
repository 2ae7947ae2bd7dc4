// SPDX-License-Identifier: Apache-2.0
// /api/v1/features: what this server can do and what of it is switched on.
#pragma once

#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Facts that main knows.
struct FeatureSwitches {
  bool admin = false;
  bool lifecycle = false;
  bool remote_write_receiver = false;
  bool search = false;
};

// Upstream's categories and names: {"api":{"admin":false,...},...}. Names upstream has and this
// server has not are false or missing.
Result<Annotations> ListFeatures(const FeatureSwitches& switches,
                                 const promql::EngineOptions& engine, JsonWriter& json);

}  // namespace vigil::web
