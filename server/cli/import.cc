// SPDX-License-Identifier: Apache-2.0
#include "server/cli/import.h"

#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/text_reader.h"

namespace vigil::cli {
Import::Import(ImportOptions options, Fetch fetch, RemoteWriter::Sleep sleep, Report report)
    : options_(std::move(options)),
      report_(std::move(report)),
      writer_(
          {.url = options_.url, .retry_ms = options_.retry_ms, .timeout_ms = options_.timeout_ms},
          std::move(fetch), std::move(sleep)) {}

Error Import::At(uint64_t line, const Error& error) const {
  return Error{error.kind, options_.file + ":" + std::to_string(line) + ": " + error.message};
}

Result<Import::Progress> Import::Run(std::istream* in) {
  bool ended = false;
  for (std::string line; std::getline(*in, line);) {
    ++progress_.lines;
    progress_.bytes += line.size() + 1;
    if (ended) {
      if (TrimSpace(line).empty()) continue;
      return At(progress_.lines, BadData("there is more behind # EOF"));
    }
    if (TrimSpace(line) == "# EOF") {
      ended = true;
      continue;
    }
    if (auto taken = Take(line); !taken) return At(progress_.lines, taken.error());
    if (batched_ >= options_.batch_samples) TRY(Send());
  }
  if (in->bad()) return Internal(options_.file + ": reading failed");
  if (!ended && options_.unit == TimeUnit::kSeconds) {
    return At(
        progress_.lines,
        BadData("the file is not complete: OpenMetrics ends with # EOF (is it the text format "
                "with milliseconds? then use --format=text)"));
  }
  TRY(Send());
  progress_.series = series_.size();
  return progress_;
}

Result<void> Import::Take(std::string_view line) {
  const std::optional<ImportSample> sample = TRY(ReadImportLine(line, options_.unit));
  if (!sample) return Ok();
  Series* series = TRY(SeriesOf(sample->series));
  if (!series->waiting) {
    series->waiting = true;
    waiting_.push_back(series);
  }
  series->times.push_back(sample->timestamp);
  series->values.push_back(sample->value);
  ++batched_;
  return Ok();
}

Result<Import::Series*> Import::SeriesOf(std::string_view text) {
  const auto found = series_.find(std::string(text));
  if (found != series_.end()) return &found->second;
  LabelsBuilder labels;
  TRY(exposition::ParseSeries(text, &labels));
  Series& added = series_[std::string(text)];
  added.labels = remote::EncodeLabels(labels.Build());
  return &added;
}

Result<void> Import::Send() {
  if (batched_ == 0) return Ok();
  for (Series* series : waiting_) {
    encoder_.Add(series->labels, series->times, series->values);
    series->times.clear();
    series->values.clear();
    series->waiting = false;
  }
  waiting_.clear();
  auto posted = writer_.Post(encoder_.Take());
  progress_.retries = writer_.retries();
  if (!posted) {
    return Error{posted.error().kind, options_.file + ":" + std::to_string(batch_line_) + "-" +
                                          std::to_string(progress_.lines) + ": " +
                                          posted.error().message};
  }
  progress_.samples += std::exchange(batched_, 0);
  progress_.series = series_.size();
  batch_line_ = progress_.lines + 1;
  report_(progress_);
  return Ok();
}

}  // namespace vigil::cli
