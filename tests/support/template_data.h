// SPDX-License-Identifier: Apache-2.0
// Values of templates written as JSON with a few words: strings([...]), strmap({...}),
// time("2024-01-02T03:04:05Z"), duration(ns), int64(n), html("..."), url("..."), js("..."),
// css("..."), kv({...}), rule({labels, external_labels, external_url, value}),
// notification({receiver, status, alerts, ...}), add (a function of two ints).
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/value.h"

namespace vigil::testing_support {

// Whole numbers are int, others float64; lists and maps hold anything.
Result<tmpl::Value> ParseTemplateData(std::string_view text);

}  // namespace vigil::testing_support
