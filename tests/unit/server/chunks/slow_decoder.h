// SPDX-License-Identifier: Apache-2.0
// The slow twin of the decoders: written from the text in chunk.h and journal_page.h, byte by byte
// and bit by bit, with nothing in common with the fast code. It trusts its input.
#pragma once

#include <string_view>

#include "client-lib/model/sample.h"
#include "server/chunks/journal_page.h"

namespace vigil::chunks::testing {

// REQUIRES: a good chunk.
SampleColumns SlowDecodeChunk(std::string_view data, TimestampMs min_time);
// REQUIRES: a good page.
JournalSamples SlowDecodeJournalPage(std::string_view page);

}  // namespace vigil::chunks::testing
