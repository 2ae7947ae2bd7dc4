// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the journal page decoder under a good checksum, and what decodes back to the
// encoder.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "client-lib/base/result.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/journal_page.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  std::string page("\1\0\0\0\0", 5);
  page.append(reinterpret_cast<const char*>(input), size);
  const uint32_t crc = vigil::chunks::Crc32c(std::string_view(page).substr(5));
  std::memcpy(page.data() + 1, &crc, 4);
  vigil::chunks::JournalSamples samples;
  if (!vigil::chunks::DecodeJournalPage(page, &samples)) return 0;

  std::vector<std::string> pages;
  vigil::chunks::EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  vigil::chunks::JournalSamples again;
  for (const std::string& part : pages) {
    CHECK(part.size() <= vigil::chunks::kMaxJournalPageBytes);
    CHECK(vigil::chunks::DecodeJournalPage(part, &again).has_value());
  }
  CHECK(again.series == samples.series && again.timestamps == samples.timestamps);
  CHECK(std::memcmp(again.values.data(), samples.values.data(), 8 * samples.size()) == 0);
  return 0;
}
