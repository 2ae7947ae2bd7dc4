// SPDX-License-Identifier: Apache-2.0
// See otlp_request.h. The messages are in otlp_metrics.proto.
#include "server/remote/otlp_request.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "client-lib/model/float_text.h"
#include "server/remote/otlp_attributes.h"
#include "server/remote/otlp_points.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

constexpr uint64_t kDelta = 1;
constexpr uint64_t kCumulative = 2;
constexpr size_t kToldProblems = 5;
// Each bucket has the labels of its point once more.
constexpr size_t kMaxArenaBytes = 128 << 20;
// Two bytes of a request can be a series or an exemplar.
constexpr size_t kMaxOtlpRows = 1'000'000;
// Those of target_info included.
constexpr size_t kMaxOtlpSamples = 4 * kMaxOtlpRows;
// Labels that points get from their resource and scope. Those that a point overrides, or that have
// no value, take work and no place.
constexpr size_t kMaxSharedLabels = 100'000'000;
// However far apart the points of a resource are.
constexpr int64_t kMaxInfoSamples = 1'000;
constexpr std::string_view kJob = "job";
constexpr std::string_view kInstance = "instance";
constexpr std::string_view kNamespace = "service.namespace";
constexpr std::string_view kService = "service.name";
constexpr std::string_view kServiceInstance = "service.instance.id";

Error BrokenOtlp(std::string_view where) {
  return BadData("the body is not an OTLP export request: broken protobuf in " +
                 std::string(where));
}

struct Metric {
  std::string_view name;
  std::string_view description;
  std::string_view unit;
  OtlpType type = OtlpType::kNone;
  std::string_view data;
  uint64_t temporality = 0;
  bool monotonic = false;
  std::vector<std::string_view> points;
};

// Whose points are read.
struct Resource {
  std::vector<OtlpAttribute> attributes;
  OtlpLabels identity;  // job, instance
  // Both sorted, each name once.
  OtlpLabels promoted;  // for series that have no such labels
  OtlpLabels scope;     // of the scope that is read
  TimestampMs earliest = std::numeric_limits<TimestampMs>::max();
  TimestampMs latest = std::numeric_limits<TimestampMs>::min();
};

std::string_view Find(const std::vector<OtlpAttribute>& attributes, std::string_view key) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [key](const OtlpAttribute& a) { return a.key == key; });
  return found == attributes.end() ? std::string_view() : std::string_view(found->value);
}

OtlpLabels IdentityOf(const std::vector<OtlpAttribute>& attributes) {
  OtlpLabels labels;
  const std::string_view service = Find(attributes, kService);
  if (!service.empty()) {
    const std::string_view name_space = Find(attributes, kNamespace);
    std::string job(name_space);
    if (!job.empty()) job += '/';
    labels.emplace_back(kJob, job.append(service));
  }
  const std::string_view instance = Find(attributes, kServiceInstance);
  if (!instance.empty()) labels.emplace_back(kInstance, instance);
  return labels;
}

bool IsIdentity(std::string_view key) {
  return key == kNamespace || key == kService || key == kServiceInstance;
}

class OtlpDecoder {
 public:
  OtlpDecoder(const OtlpSettings& settings, WriteRequest* out, OtlpExtras* extras)
      : settings_(settings), out_(*out), extras_(*extras) {}

  Result<void> Decode(std::string_view message) {
    ProtoReader reader(message);
    while (const auto field = reader.Next()) {
      if (field->number == 1 && field->type == WireType::kLength) TRY(ReadResource(field->bytes));
    }
    if (!reader.ok()) return BrokenOtlp("the request");
    PlaceViews();
    return Ok();
  }

 private:
  struct Place {
    size_t begin = 0;
    size_t size = 0;
  };

  Result<void> ReadResource(std::string_view message) {
    Resource resource;
    ProtoReader first(message);
    while (const auto field = first.Next()) {
      if (field->number == 1 && !ReadAttributes(field->bytes, &resource.attributes)) {
        return BrokenOtlp("a resource");
      }
    }
    resource.identity = IdentityOf(resource.attributes);
    resource.promoted = PromotedOf(resource.attributes);
    ProtoReader reader(message);
    while (const auto field = reader.Next()) {
      if (field->number == 2) TRY(ReadScope(field->bytes, &resource));
    }
    if (!reader.ok()) return BrokenOtlp("a resource");
    return AddTargetInfo(resource);
  }

  // In the order of the names that the attributes have the first of a label counts.
  [[nodiscard]] OtlpLabels PromotedOf(const std::vector<OtlpAttribute>& attributes) const {
    OtlpLabels labels;
    if (!settings_.promote_all && settings_.promoted.empty()) return labels;
    std::vector<const OtlpAttribute*> sorted;
    for (const OtlpAttribute& attribute : attributes) {
      const bool listed = settings_.promoted.find(attribute.key) != settings_.promoted.end();
      if (listed != settings_.promote_all) sorted.push_back(&attribute);
    }
    std::stable_sort(
        sorted.begin(), sorted.end(),
        [](const OtlpAttribute* a, const OtlpAttribute* b) { return a->key < b->key; });
    for (const OtlpAttribute* attribute : sorted) {
      std::string name = OtlpLabelName(attribute->key, settings_.naming);
      if (name.empty() || attribute->value.empty()) continue;
      labels.emplace_back(std::move(name), attribute->value);
    }
    return DistinctOtlpLabels(std::move(labels), OtlpKeep::kFirst);
  }

  static bool ReadAttributes(std::string_view message, std::vector<OtlpAttribute>* out) {
    ProtoReader reader(message);
    while (const auto field = reader.Next()) {
      if (field->number == 1 && !ReadOtlpAttribute(field->bytes, out)) return false;
    }
    return reader.ok();
  }

  // Labels of a scope: none when it has no name.
  bool ReadScopeLabels(std::string_view message, OtlpLabels* out) const {
    std::string_view scope;
    std::string_view schema_url;
    ProtoReader outer(message);
    while (const auto field = outer.Next()) {
      if (field->number == 1) scope = field->bytes;
      if (field->number == 3) schema_url = field->bytes;
    }
    std::string_view name;
    std::string_view version;
    std::vector<OtlpAttribute> attributes;
    ProtoReader reader(scope);
    while (const auto field = reader.Next()) {
      if (field->number == 1) name = field->bytes;
      if (field->number == 2) version = field->bytes;
      if (field->number == 3 && !ReadOtlpAttribute(field->bytes, &attributes)) return false;
    }
    if (name.empty()) return outer.ok() && reader.ok();
    out->emplace_back("otel_scope_name", name);
    out->emplace_back("otel_scope_version", version);
    out->emplace_back("otel_scope_schema_url", schema_url);
    for (const OtlpAttribute& attribute : attributes) {
      out->emplace_back(OtlpLabelName("otel_scope_" + attribute.key, settings_.naming),
                        attribute.value);
    }
    *out = DistinctOtlpLabels(std::move(*out), OtlpKeep::kSecond);
    return outer.ok() && reader.ok();
  }

  Result<void> ReadScope(std::string_view message, Resource* resource) {
    resource->scope.clear();
    if (settings_.promote_scope && !ReadScopeLabels(message, &resource->scope)) {
      return BrokenOtlp("a scope");
    }
    ProtoReader reader(message);
    while (const auto field = reader.Next()) {
      if (field->number == 2) TRY(ReadMetric(field->bytes, resource));
    }
    return reader.ok() ? Ok() : Result<void>(BrokenOtlp("a scope"));
  }

  static bool ReadMetricFields(std::string_view message, Metric* out) {
    ProtoReader reader(message);
    while (const auto field = reader.Next()) {
      if (field->number == 1) out->name = field->bytes;
      if (field->number == 2) out->description = field->bytes;
      if (field->number == 3) out->unit = field->bytes;
      const OtlpType type = field->number == 5    ? OtlpType::kGauge
                            : field->number == 7  ? OtlpType::kSum
                            : field->number == 9  ? OtlpType::kHistogram
                            : field->number == 10 ? OtlpType::kExponential
                            : field->number == 11 ? OtlpType::kSummary
                                                  : OtlpType::kNone;
      if (type == OtlpType::kNone) continue;
      out->type = type;
      out->data = field->bytes;
    }
    if (!reader.ok()) return false;
    ProtoReader data(out->data);
    while (const auto field = data.Next()) {
      if (field->number == 1) out->points.push_back(field->bytes);
      if (field->number == 2) out->temporality = field->varint;
      if (field->number == 3) out->monotonic = field->varint != 0;
    }
    return data.ok();
  }

  void Drop(std::string why) {
    ++extras_.dropped;
    if (extras_.problems.size() < kToldProblems) extras_.problems.push_back(std::move(why));
  }

  // Whether the metric can be translated.
  bool Accept(const Metric& metric) {
    const std::string name(metric.name.substr(0, 200));
    if (metric.type == OtlpType::kNone) {
      Drop("unsupported metric type");
      return false;
    }
    const bool has_temporality =
        metric.type != OtlpType::kGauge && metric.type != OtlpType::kSummary;
    if (has_temporality && metric.temporality != kCumulative) {
      Drop("invalid temporality and type combination for metric \"" + name + "\"" +
           (metric.temporality == kDelta ? ": delta" : ""));
      return false;
    }
    if (metric.points.empty()) {
      Drop("empty data points. " + name + " is dropped");
      return false;
    }
    return true;
  }

  Result<void> ReadMetric(std::string_view message, Resource* resource) {
    Metric metric;
    if (!ReadMetricFields(message, &metric)) return BrokenOtlp("a metric");
    if (!Accept(metric)) return Ok();
    const bool counter = metric.type == OtlpType::kSum && metric.monotonic;
    const OtlpKind kind = counter                           ? OtlpKind::kCounter
                          : metric.type == OtlpType::kGauge ? OtlpKind::kGauge
                                                            : OtlpKind::kOther;
    const std::string name = OtlpMetricName(metric.name, metric.unit, kind, settings_.naming);
    if (name.empty()) {
      Drop("a metric has no name");
      return Ok();
    }
    extras_.metadata.push_back({name, TypeName(metric.type, counter),
                                std::string(metric.description), OtlpUnit(metric.unit)});
    for (const std::string_view bytes : metric.points) {
      OtlpPoint point;
      if (!ReadOtlpPoint(metric.type, bytes, &point)) return BrokenOtlp("a data point");
      resource->earliest = std::min(resource->earliest, point.time);
      resource->latest = std::max(resource->latest, point.time);
      shared_labels_ += resource->promoted.size() + resource->scope.size();
      TRY(CheckSize());
      AddPoint(metric.type, name, point, *resource);
      TRY(CheckSize());
    }
    return Ok();
  }

  // What the request has become is much larger than the request can be.
  [[nodiscard]] Result<void> CheckSize() const {
    if (out_.arena.size() > kMaxArenaBytes) {
      return BadData("the labels of the request take more than " +
                     std::to_string(kMaxArenaBytes >> 20) + " MB: send fewer points at once");
    }
    if (out_.series.size() + out_.exemplars.size() > kMaxOtlpRows) {
      return BadData("the request has more than " + std::to_string(kMaxOtlpRows) +
                     " series and exemplars: send fewer points at once");
    }
    if (out_.timestamps.size() > kMaxOtlpSamples) {
      return BadData("the request has more than " + std::to_string(kMaxOtlpSamples) +
                     " samples, those of target_info included: send fewer points at once");
    }
    if (shared_labels_ > kMaxSharedLabels) {
      return BadData("the attributes of resources and scopes would be looked at more than " +
                     std::to_string(kMaxSharedLabels) +
                     " times as labels of points: send fewer of them, or fewer points at once");
    }
    return Ok();
  }

  static std::string TypeName(OtlpType type, bool counter) {
    if (type == OtlpType::kSummary) return "summary";
    if (type == OtlpType::kHistogram || type == OtlpType::kExponential) return "histogram";
    return counter ? "counter" : "gauge";
  }

  void AddPoint(OtlpType type, const std::string& name, const OtlpPoint& point,
                const Resource& resource) {
    OtlpLabels labels = LabelsOfAttributes(point.attributes, settings_.naming);
    if (!resource.promoted.empty()) {
      labels = MergeOtlpLabels(std::move(labels), resource.promoted, OtlpKeep::kFirst);
    }
    if (!resource.scope.empty()) {
      labels = MergeOtlpLabels(std::move(labels), resource.scope, OtlpKeep::kSecond);
    }
    for (const auto& [label, value] : resource.identity) SetOtlpLabel(label, value, &labels);
    switch (type) {
      case OtlpType::kHistogram:
        if (settings_.custom_buckets) return AddNative(type, name, point, std::move(labels));
        return AddHistogram(name, point, std::move(labels));
      case OtlpType::kExponential:
        return AddNative(type, name, point, std::move(labels));
      case OtlpType::kSummary:
        return AddSummary(name, point, std::move(labels));
      default:
        AddFloat(name, point, point.value, std::move(labels));
        AddExemplars(ExemplarsOf(point));
    }
  }

  WriteSeries& BeginSeries(std::string_view name, OtlpLabels labels) {
    SetOtlpLabel(kMetricName, name, &labels);
    const size_t begin = out_.arena.size();
    AppendOtlpLabels(std::move(labels), &out_.arena);
    series_places_.push_back({begin, out_.arena.size() - begin});
    WriteSeries& series = out_.series.emplace_back();
    series.first_sample = out_.values.size();
    series.first_histogram = out_.histograms.size();
    series.first_exemplar = out_.exemplars.size();
    return series;
  }

  void AddFloat(std::string_view name, const OtlpPoint& point, double value, OtlpLabels labels) {
    BeginSeries(name, std::move(labels)).sample_count = 1;
    out_.timestamps.push_back(point.time);
    out_.values.push_back(point.no_value ? StaleNaN() : value);
  }

  // Sorted by value; what is broken or no number is left out: exemplars never fail a point.
  static std::vector<OtlpExemplar> ExemplarsOf(const OtlpPoint& point) {
    std::vector<OtlpExemplar> exemplars;
    for (const std::string_view message : point.exemplars) {
      if (exemplars.size() > kMaxOtlpRows) break;  // the request ends with an error
      OtlpExemplar exemplar;
      if (ReadOtlpExemplar(message, &exemplar) && !std::isnan(exemplar.value)) {
        exemplars.push_back(std::move(exemplar));
      }
    }
    std::stable_sort(
        exemplars.begin(), exemplars.end(),
        [](const OtlpExemplar& x, const OtlpExemplar& y) { return x.value < y.value; });
    return exemplars;
  }

  // To the series begun last.
  void AddExemplars(std::span<const OtlpExemplar> exemplars) {
    for (const OtlpExemplar& exemplar : exemplars) {
      const size_t begin = out_.arena.size();
      AppendOtlpLabels(LabelsOfAttributes(exemplar.attributes, settings_.naming), &out_.arena);
      exemplar_places_.push_back({begin, out_.arena.size() - begin});
      out_.exemplars.push_back({{}, exemplar.value, exemplar.time});
      ++out_.series.back().exemplar_count;
    }
  }

  void AddHistogram(const std::string& name, const OtlpPoint& point, OtlpLabels labels) {
    if (point.sum) AddFloat(name + "_sum", point, *point.sum, labels);
    AddFloat(name + "_count", point, static_cast<double>(point.count), labels);
    const std::vector<OtlpExemplar> exemplars = ExemplarsOf(point);
    std::span<const OtlpExemplar> left = exemplars;
    uint64_t cumulative = 0;
    const size_t bounds = std::min(point.bounds.size(), point.bucket_counts.size());
    for (size_t i = 0; i < bounds; ++i) {
      cumulative += point.bucket_counts[i];
      OtlpLabels with_bound = labels;
      SetOtlpLabel("le", FormatFloatF(point.bounds[i]), &with_bound);
      AddFloat(name + "_bucket", point, static_cast<double>(cumulative), std::move(with_bound));
      size_t within = 0;
      while (within < left.size() && left[within].value <= point.bounds[i]) ++within;
      AddExemplars(left.first(within));
      left = left.subspan(within);
      if (!CheckSize()) return;  // the request ends with this error
    }
    SetOtlpLabel("le", "+Inf", &labels);
    AddFloat(name + "_bucket", point, static_cast<double>(point.count), std::move(labels));
    AddExemplars(left);
  }

  void AddNative(OtlpType type, const std::string& name, const OtlpPoint& point,
                 OtlpLabels labels) {
    // The end of a series is marked by a float.
    if (point.no_value) return AddFloat(name, point, 0, std::move(labels));
    Result<HistogramPtr> histogram =
        type == OtlpType::kHistogram ? CustomHistogramOf(point) : NativeHistogramOf(point);
    if (!histogram) return Drop(histogram.error().message);
    BeginSeries(name, std::move(labels)).histogram_count = 1;
    out_.histograms.push_back({point.time, *std::move(histogram), 0});
    AddExemplars(ExemplarsOf(point));
  }

  void AddSummary(const std::string& name, const OtlpPoint& point, OtlpLabels labels) {
    AddFloat(name + "_sum", point, point.sum.value_or(0), labels);
    AddFloat(name + "_count", point, static_cast<double>(point.count), labels);
    for (const auto& [quantile, value] : point.quantiles) {
      OtlpLabels with_quantile = labels;
      SetOtlpLabel("quantile", FormatFloatF(quantile), &with_quantile);
      AddFloat(name, point, value, std::move(with_quantile));
      if (!CheckSize()) return;  // the request ends with this error
    }
  }

  // What is known of a resource beside job and instance, as long as its points last.
  Result<void> AddTargetInfo(const Resource& resource) {
    std::vector<OtlpAttribute> rest;
    bool more = false;  // than what identifies it
    for (const OtlpAttribute& attribute : resource.attributes) {
      const bool identity = IsIdentity(attribute.key);
      more = more || !identity;
      if (!identity || settings_.keep_identity) rest.push_back(attribute);
    }
    if (!more || resource.identity.empty() || resource.earliest > resource.latest) {
      return Ok();
    }
    OtlpLabels labels = LabelsOfAttributes(rest, settings_.naming);
    for (const auto& [label, value] : resource.identity) SetOtlpLabel(label, value, &labels);
    WriteSeries& series = BeginSeries("target_info", std::move(labels));
    series.best_effort = true;
    TimestampMs time = resource.earliest;
    const TimestampMs span = settings_.info_interval_ms * kMaxInfoSamples;
    if (resource.latest - time > span) time = resource.latest - span;
    for (; time < resource.latest; time += settings_.info_interval_ms) {
      AddInfoSample(time, &series);
    }
    AddInfoSample(resource.latest, &series);
    return CheckSize();
  }

  void AddInfoSample(TimestampMs time, WriteSeries* series) {
    out_.timestamps.push_back(time);
    out_.values.push_back(1);
    ++series->sample_count;
  }

  // The arena has its final place now.
  void PlaceViews() {
    const std::string_view arena = out_.arena;
    for (size_t i = 0; i < series_places_.size(); ++i) {
      out_.series[i].raw_labels = arena.substr(series_places_[i].begin, series_places_[i].size);
    }
    for (size_t i = 0; i < exemplar_places_.size(); ++i) {
      out_.exemplars[i].raw_labels =
          arena.substr(exemplar_places_[i].begin, exemplar_places_[i].size);
    }
  }

  const OtlpSettings& settings_;
  WriteRequest& out_;
  OtlpExtras& extras_;
  std::vector<Place> series_places_;
  std::vector<Place> exemplar_places_;
  size_t shared_labels_ = 0;
};

}  // namespace

OtlpSettings::OtlpSettings(const config::OtlpConfig& config)
    : promote_all(config.promote_all_resource_attributes),
      keep_identity(config.keep_identifying_resource_attributes),
      custom_buckets(config.convert_histograms_to_nhcb),
      promote_scope(config.promote_scope_metadata) {
  const std::vector<std::string>& names =
      promote_all ? config.ignore_resource_attributes : config.promote_resource_attributes;
  promoted.insert(names.begin(), names.end());
  const std::string& strategy = config.translation_strategy;
  naming.escape = strategy.starts_with("Underscore");
  naming.suffixes = strategy.ends_with("WithSuffixes");
  naming.key_before_underscore = config.label_name_underscore_sanitization;
  naming.keep_underscores = config.label_name_preserve_multiple_underscores;
}

Result<void> DecodeOtlpRequest(std::string_view message, const OtlpSettings& settings,
                               WriteRequest* out, OtlpExtras* extras) {
  out->Clear();
  *extras = {};
  return OtlpDecoder(settings, out, extras).Decode(message);
}

}  // namespace vigil::remote
