// SPDX-License-Identifier: Apache-2.0
// Lists of mail addresses as headers hold them (RFC 5322, with UTF-8 as in RFC 6532).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::notify {

struct MailAddress {
  std::string name;     // decoded quotes; empty when there is none
  std::string address;  // a@b; the part before the @ in quotes where it needs them
};

// `a@b, "Doe, J." <c@d>, Team: e@f, g@h;`, comments in parentheses, empty entries skipped. Never
// empty, and never with control characters. bad_data in the words of Go's net/mail.
Result<std::vector<MailAddress>> ParseAddressList(std::string_view text);

}  // namespace vigil::notify
