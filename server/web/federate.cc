// SPDX-License-Identifier: Apache-2.0
// See federate.h.
#include "server/web/federate.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "client-lib/exposition/content_type.h"
#include "server/promql/parser.h"
#include "server/web/envelope.h"
#include "server/web/federation_writer.h"
#include "server/web/query_runner.h"

namespace vigil::web {
namespace {

constexpr size_t kBytesPerSample = 1024;
constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kProtobufType =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

// The q parameter of one element of an Accept header.
double AcceptWeight(std::string_view element) {
  for (const std::string_view part : Split(element, ';')) {
    const std::string_view parameter = TrimSpace(part);
    if (!parameter.starts_with("q=")) continue;
    return std::atof(std::string(parameter.substr(2)).c_str());
  }
  return 1;
}

// The elements of an Accept header, the best first.
std::vector<std::string_view> ByWeight(std::string_view accept) {
  std::vector<std::string_view> elements = Split(accept, ',');
  std::stable_sort(elements.begin(), elements.end(), [](std::string_view a, std::string_view b) {
    return AcceptWeight(a) > AcceptWeight(b);
  });
  return elements;
}

// Nothing when the newest sample is no value.
std::optional<FederatedSample> NewestOf(const Labels& labels, const SampleColumns& columns) {
  const bool has_float = !columns.empty();
  const bool has_histogram = !columns.histograms.empty();
  FederatedSample sample;
  sample.labels = labels;
  if (has_histogram &&
      (!has_float || columns.histograms.back().timestamp > columns.timestamps.back())) {
    sample.timestamp = columns.histograms.back().timestamp;
    sample.histogram = columns.histograms.back().histogram;
    return sample;
  }
  if (!has_float || IsStaleNaN(columns.values.back())) return std::nullopt;
  sample.timestamp = columns.timestamps.back();
  sample.value = columns.values.back();
  return sample;
}

http::Response FederationError(const Error& error) {
  http::Response response = http::Response::Text(HttpStatus(error.kind), error.message + "\n");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

FederationFormat FederationFormat::Negotiate(std::string_view accept) {
  FederationFormat format;
  for (const std::string_view element : ByWeight(accept)) {
    const exposition::ContentType type = exposition::ParseContentType(TrimSpace(element));
    // An element that is passed over may name the scheme all the same.
    if (const auto escaping = ParseNameEscaping(type.escaping)) format.escaping = *escaping;
    if (type.format == exposition::Format::kProtobuf) {
      format.protobuf = true;
      break;
    }
    if (type.media_type == "text/plain" && (type.version.empty() || type.version == "0.0.4")) break;
  }
  return format;
}

std::string FederationFormat::ContentType() const {
  return std::string(protobuf ? kProtobufType : kTextType)
      .append("; escaping=")
      .append(NameEscapingWord(escaping));
}

std::string WriteFederation(const std::vector<FederatedSample>& samples,
                            const Labels& external_labels, const FederationFormat& format) {
  std::vector<std::pair<std::string, std::string>> external;
  for (const LabelView label : external_labels) external.emplace_back(label.name, label.value);
  if (!external_labels.Has("instance")) external.emplace_back("instance", "");
  std::sort(external.begin(), external.end());

  FederationWriter writer(format);
  std::vector<LabelView> labels;
  for (const FederatedSample& sample : samples) {
    if (sample.labels.MetricName().empty()) continue;
    if (sample.histogram != nullptr && !format.protobuf) continue;
    labels.clear();
    for (const LabelView label : sample.labels) {
      if (label.name != kMetricName) labels.push_back(label);
    }
    for (const auto& [name, value] : external) {
      if (!sample.labels.Has(name)) labels.push_back({name, value});
    }
    writer.Add(sample, labels);
  }
  return writer.Take();
}

Result<std::vector<FederatedSample>> Federation::Newest(const http::Params& params,
                                                        RunningQuery* running) const {
  const auto turn = TRY(runner_.TakeTurn(running));
  std::vector<std::vector<Matcher>> sets;
  for (const std::string& text : params.All("match[]")) {
    sets.push_back(TRY(promql::ParseMetricSelector(text)));
  }
  storage::SelectHints hints;
  hints.end = clock_.Now();
  hints.start = hints.end - lookback_;
  std::vector<FederatedSample> found;
  SampleColumns columns;
  for (const std::vector<Matcher>& matchers : sets) {
    TRY(running->CheckAlive());
    const auto set = TRY(store_.Select(matchers, hints));
    running->CountSelected(*set);
    // Samples, their series, and about the line that each becomes.
    TRY(running->Reach((found.size() + set->size()) * kBytesPerSample));
    for (size_t i = 0; i < set->size(); ++i) {
      TRY(running->CheckAlive());
      columns.Clear();
      TRY(set->Read(i, &columns));
      running->CountSamples(columns.size() + columns.histograms.size());
      auto sample = NewestOf(set->labels(i), columns);
      if (sample) found.push_back(*std::move(sample));
    }
    for (const std::string& warning : set->warnings()) log::Warn("federate", warning);
  }
  std::sort(found.begin(), found.end(), [](const FederatedSample& a, const FederatedSample& b) {
    const int by_name = a.labels.MetricName().compare(b.labels.MetricName());
    return by_name != 0 ? by_name < 0 : a.labels < b.labels;
  });
  const auto same = [](const FederatedSample& a, const FederatedSample& b) {
    return a.labels == b.labels;
  };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

http::Response Federation::Handle(const http::Request& request) const {
  const Result<http::Params> params = request.FormParams();
  if (!params) {
    return FederationError(BadData("error parsing form values: " + params.error().message));
  }
  const std::shared_ptr<RunningQuery> running = runner_.Begin(
      request, {Join(params->All("match[]"), ", "), {}, promql::QueryKind::kFederation});
  const auto samples = Newest(*params, running.get());
  if (!samples) return FederationError(samples.error());
  const FederationFormat format = FederationFormat::Negotiate(request.headers.Get("Accept"));
  http::Response response;
  response.content_type = format.ContentType();
  response.body = WriteFederation(*samples, external_labels_(), format);
  running->BeginSending();
  response.kept = running;
  return response;
}

}  // namespace vigil::web
