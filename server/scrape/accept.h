// SPDX-License-Identifier: Apache-2.0
// Content negotiation of the scraper: what it asks for and whether it can read the answer.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/exposition/content_type.h"
#include "server/config/scrape_config.h"

namespace vigil::scrape {

// Only formats that can be read are asked for, best first.
// native_histograms: they are wanted, and come as protobuf only.
std::string AcceptHeader(const config::ScrapeConfig& job, bool native_histograms);

// How an answer of this type is read: in which format. bad_data: not known.
Result<exposition::Format> FormatOfAnswer(std::string_view content_type,
                                          std::string_view fallback_protocol);

}  // namespace vigil::scrape
