// SPDX-License-Identifier: Apache-2.0
// Writes journal pages of native histograms.
#include <algorithm>
#include <string_view>
#include <utility>

#include "server/chunks/histogram_record.h"
#include "server/chunks/journal_page.h"
#include "server/chunks/journal_runs.h"

namespace vigil::chunks {
namespace {

// Cuts what a page would hold (behind its checksum) into parts.
void PutParts(std::string_view body, std::vector<std::string>* pages) {
  constexpr size_t kPartBytes =
      kMaxJournalPageBytes - kJournalChecksumEnd - 2 * kMaxVarintBytes - kSlack;
  const size_t parts = (body.size() + kPartBytes - 1) / kPartBytes;
  for (size_t i = 0; i < parts; ++i) {
    uint8_t numbers[2 * kMaxVarintBytes];
    const uint8_t* const end = PutVarint(PutVarint(numbers, i), parts);
    std::string page(kJournalChecksumEnd, '\0');
    page[0] = static_cast<char>(kPartPage);
    page.append(reinterpret_cast<const char*>(numbers), static_cast<size_t>(end - numbers));
    page += body.substr(i * kPartBytes, kPartBytes);
    SetChecksum(&page);
    pages->push_back(std::move(page));
  }
}

// Fills one page after the other, histogram by histogram.
class PageWriter {
 public:
  explicit PageWriter(std::vector<std::string>* pages) : pages_(pages) {}

  void Add(int64_t series, const HistogramSample& sample) {
    const size_t start = records_.size();
    const bool same_series = columns_.count() > 0 && columns_.series() == series;
    PutHistogram(last_, same_series, *sample.histogram, &records_);
    if (columns_.count() > 0 &&
        (Size() > kMaxJournalPageBytes || columns_.count() == kMaxPageSamples)) {
      records_.resize(start);
      Finish();
      PutHistogram(nullptr, false, *sample.histogram, &records_);
    }
    const bool large = Size() > kMaxJournalPageBytes;
    columns_.Add(series, sample.timestamp);
    last_ = sample.histogram.get();
    if (large) Finish();
  }

  void Finish() {
    if (columns_.count() == 0) return;
    std::string page = columns_.Page(kHistogramPage, records_.data(), records_.size());
    if (page.size() > kMaxJournalPageBytes) {
      PutParts(std::string_view(page).substr(kJournalChecksumEnd), pages_);
    } else {
      pages_->push_back(std::move(page));
    }
    columns_.Clear();
    records_.clear();
    last_ = nullptr;
  }

 private:
  // With the columns of one more sample.
  [[nodiscard]] size_t Size() const {
    return kMaxJournalHeaderBytes + columns_.size() + kMaxSampleRunBytes + records_.size();
  }

  std::vector<std::string>* pages_;
  PageColumns columns_;
  std::string records_;
  const Histogram* last_ = nullptr;  // of this page
};

}  // namespace

void EncodeHistogramJournalPages(std::span<const int64_t> series,
                                 std::span<const HistogramSample> samples,
                                 std::vector<std::string>* pages) {
  CHECK(series.size() == samples.size());
  PageWriter writer(pages);
  for (size_t i = 0; i < series.size(); ++i) writer.Add(series[i], samples[i]);
  writer.Finish();
}

}  // namespace vigil::chunks
