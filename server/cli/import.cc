// SPDX-License-Identifier: Apache-2.0
#include "server/cli/import.h"

#include <algorithm>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/text_reader.h"

namespace vigil::cli {
namespace {

constexpr int64_t kFirstPauseMs = 100;
constexpr int64_t kLongestPauseMs = 5'000;

bool ComeBackLater(int status) { return status == 429 || status >= 500; }

}  // namespace

Import::Import(ImportOptions options, Fetch fetch, Sleep sleep, Report report)
    : options_(std::move(options)),
      fetch_(std::move(fetch)),
      sleep_(std::move(sleep)),
      report_(std::move(report)) {}

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
  if (auto posted = Post(encoder_.Take()); !posted) {
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

Result<void> Import::Post(const std::string& body) {
  int64_t waited_ms = 0;
  int64_t pause_ms = kFirstPauseMs;
  while (true) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = options_.url + "/api/v1/write";
    request.headers.Set("Content-Type", "application/x-protobuf");
    request.headers.Set("Content-Encoding", "snappy");
    request.headers.Set("X-Prometheus-Remote-Write-Version", "0.1.0");
    request.body = body;
    request.timeout_ms = options_.timeout_ms;
    const Result<http::ClientResponse> answer = fetch_(std::move(request));
    if (answer && answer->status / 100 == 2) return Ok();
    const std::string reason = answer ? "HTTP " + std::to_string(answer->status) + ": " +
                                            std::string(TrimSpace(answer->body))
                                      : answer.error().message;
    if (answer && !ComeBackLater(answer->status)) {
      return BadData("the server refused the samples (" + reason +
                     "); for samples of the past it must run with --storage.allow-backfill and "
                     "--web.enable-remote-write-receiver");
    }
    if (waited_ms >= options_.retry_ms) {
      return Unavailable("the server did not take the samples for " +
                         std::to_string(waited_ms / 1000) + " s: " + reason);
    }
    ++progress_.retries;
    sleep_(pause_ms);
    waited_ms += pause_ms;
    pause_ms = std::min(pause_ms * 2, kLongestPauseMs);
  }
}

}  // namespace vigil::cli
