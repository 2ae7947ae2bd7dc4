// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the journal page decoder under a good checksum, as a page of each format, and what
// decodes back to the encoder.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "client-lib/base/result.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/journal_page.h"

namespace {

using vigil::chunks::JournalSamples;

std::string Page(char format, std::string_view head, std::string_view body) {
  std::string page(5, '\0');
  page[0] = format;
  page += head;
  page += body;
  const uint32_t crc = vigil::chunks::Crc32c(std::string_view(page).substr(5));
  std::memcpy(page.data() + 1, &crc, 4);
  return page;
}

void RoundTrip(const JournalSamples& samples) {
  std::vector<std::string> pages;
  vigil::chunks::EncodeJournalPages(samples.series, samples.timestamps, samples.values, &pages);
  vigil::chunks::EncodeHistogramJournalPages(samples.histogram_series, samples.histograms, &pages);
  JournalSamples again;
  for (const std::string& part : pages) {
    CHECK(part.size() <= vigil::chunks::kMaxJournalPageBytes);
    CHECK(vigil::chunks::DecodeJournalPage(part, &again).has_value());
  }
  CHECK(again.series == samples.series && again.timestamps == samples.timestamps);
  CHECK(again.values.size() == samples.values.size());
  CHECK(samples.size() == 0 ||
        std::memcmp(again.values.data(), samples.values.data(), 8 * samples.size()) == 0);
  CHECK(again.histogram_series == samples.histogram_series);
  CHECK(again.histograms.size() == samples.histograms.size());
  for (size_t i = 0; i < samples.histograms.size(); ++i) {
    CHECK(again.histograms[i].timestamp == samples.histograms[i].timestamp);
    CHECK(vigil::chunks::SameHistogram(*again.histograms[i].histogram,
                                       *samples.histograms[i].histogram));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(input), size);
  for (const char format : {'\1', '\2', '\3'}) {
    JournalSamples samples;
    if (vigil::chunks::DecodeJournalPage(Page(format, "", bytes), &samples)) RoundTrip(samples);
  }
  // The same in two parts gives what it gives in one.
  using std::string_view_literals::operator""sv;
  JournalSamples whole;
  JournalSamples parts;
  const bool good = vigil::chunks::DecodeJournalPage(Page('\2', "", bytes), &whole).has_value();
  const std::string_view half = bytes.substr(0, size / 2);
  CHECK(vigil::chunks::DecodeJournalPage(Page('\3', "\0\2"sv, half), &parts).has_value());
  const std::string_view rest = bytes.substr(size / 2);
  CHECK(vigil::chunks::DecodeJournalPage(Page('\3', "\1\2"sv, rest), &parts).has_value() == good);
  CHECK(parts.histograms.size() == whole.histograms.size());
  return 0;
}
