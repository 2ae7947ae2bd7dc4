// SPDX-License-Identifier: Apache-2.0
// The functions of alerting rules' labels and annotations, and of consoles.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "client-lib/model/duration.h"
#include "server/template/function.h"
#include "server/template/humanize.h"
#include "server/template/text_escape.h"
#include "server/template/text_functions.h"

namespace vigil::tmpl {
namespace {

using enum Param;
using PromCall = const FunctionCall&;

// What queries return and `label` and `value` read.
class SampleObject : public Object {
 public:
  explicit SampleObject(const QuerySample& sample) : sample_(sample) {
    std::map<std::string, std::string> labels;
    for (const LabelView& label : sample.labels) labels.emplace(label.name, label.value);
    if (!sample.text.empty()) labels["__value__"] = sample.text;
    labels_ = Value::StringMap(labels);
  }
  [[nodiscard]] std::string_view TypeName() const override { return "*template.sample"; }
  [[nodiscard]] std::span<const std::string_view> FieldNames() const override {
    static constexpr std::array<std::string_view, 2> kNames = {"Labels", "Value"};
    return kNames;
  }
  [[nodiscard]] Value Field(size_t index) const override {
    return index == 0 ? labels_ : Value::Float(sample_.value);
  }
  [[nodiscard]] const Value& labels() const { return labels_; }
  [[nodiscard]] double value() const { return sample_.value; }

 private:
  QuerySample sample_;
  Value labels_;
};

// The samples a query gives, in its order.
class QueryResultObject : public Object {
 public:
  explicit QueryResultObject(std::vector<Value> samples) : base_(Value::Anys(std::move(samples))) {}
  [[nodiscard]] std::string_view TypeName() const override { return "template.queryResult"; }
  [[nodiscard]] const Value* Base() const override { return &base_; }

 private:
  Value base_;
};

Value QueryResultValue(std::vector<Value> samples) {
  return Value::Of(std::make_shared<const QueryResultObject>(std::move(samples)));
}

// Null when the value is no sample.
const SampleObject* SampleOf(const Value& value) {
  if (value.kind() != Kind::kObject) return nullptr;
  return dynamic_cast<const SampleObject*>(&value.object());
}

Error NoSample(const Value& value) {
  return BadData("wrong type for value; expected *template.sample; got " + value.TypeName());
}

std::string LabelOf(const SampleObject& sample, std::string_view name) {
  return sample.labels().map().Get(name).string_value();
}

Result<Value> CallQuery(PromCall call) {
  if (!call.environment.query) return BadData("queries are not possible here");
  const std::vector<QuerySample> samples = TRY(call.environment.query(call.args[0].string_value()));
  std::vector<Value> result;
  result.reserve(samples.size());
  for (const QuerySample& sample : samples) {
    result.push_back(Value::Of(std::make_shared<const SampleObject>(sample)));
  }
  return QueryResultValue(std::move(result));
}

Result<Value> CallFirst(PromCall call) {
  const Value& list = call.args[0].Base();
  if (list.list().items.empty()) {
    return BadData("first() called on vector with no elements");
  }
  return list.list().items[0];
}

Result<Value> CallLabel(PromCall call) {
  const SampleObject* sample = SampleOf(call.args[1]);
  if (sample == nullptr) return NoSample(call.args[1]);
  return Value::String(LabelOf(*sample, call.args[0].string_value()));
}

Result<Value> CallValue(PromCall call) {
  const SampleObject* sample = SampleOf(call.args[0]);
  if (sample == nullptr) return NoSample(call.args[0]);
  return Value::Float(sample->value());
}

Result<Value> CallStrValue(PromCall call) {
  const SampleObject* sample = SampleOf(call.args[0]);
  if (sample == nullptr) return NoSample(call.args[0]);
  return Value::String(LabelOf(*sample, "__value__"));
}

Result<Value> CallSortByLabel(PromCall call) {
  std::vector<Value> sorted = call.args[1].Base().list().items;
  for (const Value& item : sorted) {
    if (SampleOf(item) == nullptr) return NoSample(item);
  }
  const std::string& name = call.args[0].string_value();
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Value& a, const Value& b) {
    return LabelOf(*SampleOf(a), name) < LabelOf(*SampleOf(b), name);
  });
  return QueryResultValue(std::move(sorted));
}

Result<Value> CallArgs(PromCall call) {
  std::map<std::string, Value, std::less<>> named;
  for (size_t i = 0; i < call.args.size(); ++i) named["arg" + std::to_string(i)] = call.args[i];
  return Value::AnyMap(std::move(named));
}

Result<Value> CallPromTitle(PromCall call) {
  return Value::String(TitleText(call.args[0].string_value(), false));
}

std::string ExpressionLink(std::string_view expression, int tab) {
  return "/graph?g0.expr=" + UrlQueryEscape(expression) + "&g0.tab=" + std::to_string(tab);
}
Result<Value> CallGraphLink(PromCall call) {
  return Value::String(ExpressionLink(call.args[0].string_value(), 0));
}
Result<Value> CallTableLink(PromCall call) {
  return Value::String(ExpressionLink(call.args[0].string_value(), 1));
}

struct HostPort {
  std::string host;
  std::string port;
};

// Go's net.SplitHostPort; false where that is an error.
bool SplitHostPort(std::string_view text, HostPort* parts) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  if (text[0] == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end + 1 != colon) return false;
    parts->host = text.substr(1, end - 1);
    if (parts->host.find_first_of("[]") != std::string::npos) return false;
  } else {
    parts->host = text.substr(0, colon);
    if (parts->host.find_first_of(":[]") != std::string::npos) return false;
  }
  parts->port = text.substr(colon + 1);
  return parts->port.find_first_of("[]") == std::string::npos;
}

bool IsIpAddress(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

Result<Value> CallStripPort(PromCall call) {
  HostPort parts;
  if (!SplitHostPort(call.args[0].string_value(), &parts)) return call.args[0];
  return Value::String(parts.host);
}

Result<Value> CallStripDomain(PromCall call) {
  HostPort parts;
  if (!SplitHostPort(call.args[0].string_value(), &parts)) {
    parts = {call.args[0].string_value(), ""};
  }
  if (IsIpAddress(parts.host)) return call.args[0];
  const std::string host = parts.host.substr(0, parts.host.find('.'));
  if (parts.port.empty()) return Value::String(host);
  const bool brackets = host.find_first_of(":%") != std::string::npos;
  return Value::String((brackets ? "[" + host + "]" : host) + ":" + parts.port);
}

template <std::string (*kText)(double)>
Result<Value> CallHumanized(PromCall call) {
  return Value::String(kText(TRY(NumberOf(call.args[0]))));
}

Result<Value> CallHumanizeTimestamp(PromCall call) {
  const double number = TRY(NumberOf(call.args[0]));
  return Value::String(TRY(HumanizeTimestamp(number)));
}

Result<Value> CallToTime(PromCall call) {
  const double number = TRY(NumberOf(call.args[0]));
  return Value::Moment(TRY(MomentOf(number)));
}

Result<Value> CallToDuration(PromCall call) {
  const double seconds = TRY(NumberOf(call.args[0]));
  if (!std::isfinite(seconds)) return BadData("value is NaN or Inf");
  const double ns = seconds * 1e9;
  if (ns >= 0x1p63 || ns < -0x1p63) {
    return BadData("the number is too large for a duration; it is in seconds");
  }
  return Value::Duration(static_cast<DurationNs>(ns));
}

Result<Value> CallPromNow(PromCall call) {
  return Value::Float(static_cast<double>(call.environment.now_ms) / 1000);
}
Result<Value> CallPathPrefix(PromCall call) { return Value::String(call.environment.path_prefix); }
Result<Value> CallExternalUrl(PromCall call) {
  return Value::String(call.environment.external_url);
}
Result<Value> CallParseDuration(PromCall call) {
  const DurationMs duration = TRY(ParseDuration(call.args[0].string_value()));
  return Value::Float(static_cast<double>(duration) / 1000);
}
Result<Value> CallPromUrlQueryEscape(PromCall call) {
  return Value::String(UrlQueryEscape(call.args[0].string_value()));
}

constexpr std::array kPrometheusRows = {
    FunctionRow{"args", TakesMany(kAny), CallArgs},
    FunctionRow{"externalURL", Takes(), CallExternalUrl},
    FunctionRow{"first", Takes(kQueryResult), CallFirst},
    FunctionRow{"graphLink", Takes(kString), CallGraphLink},
    FunctionRow{"humanize", Takes(kAny), CallHumanized<Humanize>},
    FunctionRow{"humanize1024", Takes(kAny), CallHumanized<Humanize1024>},
    FunctionRow{"humanizeDuration", Takes(kAny), CallHumanized<HumanizeDuration>},
    FunctionRow{"humanizePercentage", Takes(kAny), CallHumanized<HumanizePercentage>},
    FunctionRow{"humanizeTimestamp", Takes(kAny), CallHumanizeTimestamp},
    FunctionRow{"label", Takes(kString, kSample), CallLabel},
    FunctionRow{"match", Takes(kString, kString), CallMatch},
    FunctionRow{"now", Takes(), CallPromNow},
    FunctionRow{"parseDuration", Takes(kString), CallParseDuration},
    FunctionRow{"pathPrefix", Takes(), CallPathPrefix},
    FunctionRow{"query", Takes(kString), CallQuery},
    FunctionRow{"reReplaceAll", Takes(kString, kString, kString), CallReReplaceAll},
    FunctionRow{"safeHtml", Takes(kString), CallSafeHtml},
    FunctionRow{"sortByLabel", Takes(kString, kQueryResult), CallSortByLabel},
    FunctionRow{"stripDomain", Takes(kString), CallStripDomain},
    FunctionRow{"stripPort", Takes(kString), CallStripPort},
    FunctionRow{"strvalue", Takes(kSample), CallStrValue},
    FunctionRow{"tableLink", Takes(kString), CallTableLink},
    FunctionRow{"title", Takes(kString), CallPromTitle},
    FunctionRow{"toDuration", Takes(kAny), CallToDuration},
    FunctionRow{"toLower", Takes(kString), CallToLower},
    FunctionRow{"toTime", Takes(kAny), CallToTime},
    FunctionRow{"toUpper", Takes(kString), CallToUpper},
    FunctionRow{"urlQueryEscape", Takes(kString), CallPromUrlQueryEscape},
    FunctionRow{"value", Takes(kSample), CallValue},
};

}  // namespace

std::span<const FunctionRow> PrometheusFunctions() { return kPrometheusRows; }

}  // namespace vigil::tmpl
