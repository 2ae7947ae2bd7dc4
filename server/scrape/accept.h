// SPDX-License-Identifier: Apache-2.0
// Content negotiation of the scraper: what it asks for and whether it can read the answer.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/config/scrape_config.h"

namespace vigil::scrape {

// Only formats that can be read are asked for, best first.
std::string AcceptHeader(const config::ScrapeConfig& job);

// Whether an answer of this type is read as text exposition. bad_data: not known, or not supported
// yet.
Result<void> CheckContentType(std::string_view content_type, std::string_view fallback_protocol);

}  // namespace vigil::scrape
