// SPDX-License-Identifier: Apache-2.0
#include "server/cli/push.h"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/exposition/families.h"
#include "client-lib/model/duration.h"
#include "server/cli/command.h"
#include "server/cli/file_names.h"
#include "server/cli/remote_writer.h"
#include "server/remote/write_encoder.h"

namespace vigil::cli {
namespace {

struct PushedSeries {
  std::vector<TimestampMs> times;
  std::vector<double> values;
};

Result<Labels> PushLabels(const std::vector<std::string>& pairs) {
  LabelsBuilder labels;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return BadData("expected KEY=VALUE got '" + pair + "'");
    }
    labels.Set(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return labels.Build();
}

// What --header adds to each request.
Result<http::ClientResponse> FetchWith(const std::vector<std::string>& headers,
                                       http::ClientRequest request) {
  for (const std::string& header : headers) {
    const size_t equals = header.find('=');
    if (equals == std::string::npos) return BadData("expected KEY=VALUE got '" + header + "'");
    request.headers.Set(header.substr(0, equals), header.substr(equals + 1));
  }
  return http::Fetch(std::move(request));
}

Result<void> Push(std::string_view page, const Labels& labels, RemoteWriter* writer) {
  return writer->Post(TRY(PushBody(page, labels, Clock::System().Now())));
}

int PushFiles(const std::vector<std::string>& files, const Labels& labels, RemoteWriter* writer) {
  const auto failed = [](const Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "  FAILED: %s\n", error.message.c_str());
    return 1;
  };
  if (files.empty()) {
    std::puts("Parsing standard input");
    const std::string page(std::istreambuf_iterator<char>(std::cin), {});
    if (const auto pushed = Push(page, labels, writer); !pushed) return failed(pushed.error());
    std::puts("  SUCCESS: metrics pushed to remote write.");
    return 0;
  }
  int code = 0;
  for (const std::string& path : files) {
    std::printf("Parsing metrics file %s\n", path.c_str());
    const Result<std::string> page = ReadFile(path);
    const Result<void> pushed = page ? Push(*page, labels, writer) : Result<void>(page.error());
    if (pushed) {
      std::printf("  SUCCESS: metrics file %s pushed to remote write.\n", path.c_str());
    } else {
      code = failed(pushed.error());
    }
  }
  return code;
}

}  // namespace

Result<std::string> PushBody(std::string_view page, const Labels& labels, TimestampMs now) {
  std::map<Labels, PushedSeries> series;
  for (const exposition::Family& family : TRY(exposition::ParseFamilies(page))) {
    for (const exposition::Point& point : family.points) {
      LabelsBuilder builder(point.labels);
      builder.Set(kMetricName, family.name + std::string(point.suffix));
      for (const LabelView label : labels) builder.Set(label.name, label.value);
      PushedSeries& one = series[builder.Build()];
      one.times.push_back(point.timestamp.value_or(now));
      one.values.push_back(point.value);
    }
  }
  remote::WriteEncoder encoder;
  for (const auto& [name, one] : series) {
    encoder.Add(remote::EncodeLabels(name), one.times, one.values);
  }
  return encoder.Take();
}

int RunPushMetrics(const std::vector<std::string>& args) {
  std::vector<std::string> pairs = {"job=promtool"};
  std::vector<std::string> headers;
  std::vector<std::string> words;
  DurationMs timeout_ms = 30'000;
  std::string path;
  toolkit::FlagSet flags("vigilctl push metrics",
                         "Push metrics to a prometheus remote write (for testing purpose only).");
  flags.Strings("label", "Label to attach to metrics. Can be specified multiple times.", &pairs);
  flags.Duration("timeout", "The time to wait for pushing metrics.", &timeout_ms);
  flags.Strings("header", "Prometheus remote write header: NAME=VALUE, repeatable.", &headers);
  flags.String("remote-write.path",
               "The path of the receiver below the URL; /api/v1/write when the URL has none.",
               &path);
  flags.Arguments("remote-write-url", "The server, then files; the standard input without files.",
                  &words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (words.empty()) return UsageError("required argument 'remote-write-url' not provided");
  const Result<Labels> labels = PushLabels(pairs);
  if (!labels) return UsageError(labels.error().message);
  const std::vector<std::string> files(words.begin() + 1, words.end());
  if (const auto good = ExpectFiles(files); !good) return UsageError(good.error().message);
  RemoteWriter::Options options;
  options.url = ServerUrl(words[0]);
  const bool bare = options.url.find('/', options.url.find("://") + 3) == std::string::npos;
  options.path = !path.empty() ? path : bare ? options.path : "";
  options.timeout_ms = timeout_ms;
  options.retry_ms = 0;
  RemoteWriter writer(
      options,
      [&headers](http::ClientRequest request) { return FetchWith(headers, std::move(request)); },
      [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); });
  return PushFiles(files, *labels, &writer);
}

}  // namespace vigil::cli
