// SPDX-License-Identifier: Apache-2.0
// Values of any shape in the configuration (payloads, details, fields) whose texts are templates.
#pragma once

#include <string_view>

#include "server/alerting/receiver_config.h"
#include "server/notify/templates.h"
#include "server/template/value.h"

namespace vigil::notify {

// Keys and texts are expanded. A text that, expanded, is YAML of something else than a text becomes
// that something: "5" a number, "[a, b]" a list; the texts in it are looked at in the same way, but
// they are not expanded again, so that what an alert says is never taken for a template. Keys that
// are no texts are left out. Errors stay in the expander.
tmpl::Value ExpandAny(const alerting::AnyValue& value, Expander* texts);

// The value that YAML 1.1 sees in an unquoted scalar: null, a bool, a number or a text.
tmpl::Value ScalarValue(std::string_view text);

}  // namespace vigil::notify
