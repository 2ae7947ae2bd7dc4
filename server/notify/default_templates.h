// SPDX-License-Identifier: Apache-2.0
// The templates that receivers call when the configuration says nothing: the names and what they
// print are upstream's.
#pragma once

#include <span>
#include <string_view>

namespace vigil::notify {

struct DefaultTemplates {
  std::string_view name;  // as of a file
  std::string_view text;
};

// Those of mails.
DefaultTemplates EmailTemplates();

// In the order in which they are parsed.
std::span<const DefaultTemplates> BuiltInTemplates();

}  // namespace vigil::notify
