// SPDX-License-Identifier: Apache-2.0
// The functions of notification templates.
#include <algorithm>
#include <array>

#include "client-lib/base/strings.h"
#include "server/template/format.h"
#include "server/template/function.h"
#include "server/template/humanize.h"
#include "server/template/json_text.h"
#include "server/template/rune.h"
#include "server/template/text_escape.h"
#include "server/template/text_functions.h"

namespace vigil::tmpl {
namespace {

using enum Param;
using AmCall = const FunctionCall&;

Result<Value> CallAmTitle(AmCall call) {
  return Value::String(TitleText(call.args[0].string_value(), true));
}

Result<Value> CallTrimSpace(AmCall call) {
  return Value::String(TrimSpaceText(call.args[0].string_value()));
}

Result<Value> CallJoin(AmCall call) {
  const std::string& separator = call.args[0].string_value();
  std::string out;
  if (call.args[1].IsNil()) return Value::String(out);
  bool first = true;
  for (const Value& item : call.args[1].Base().list().items) {
    if (!std::exchange(first, false)) out += separator;
    out += item.string_value();
    if (out.size() > call.max_bytes) break;  // the evaluator says so
  }
  return Value::String(std::move(out));
}

Result<Value> CallStringSlice(AmCall call) {
  std::vector<std::string> items;
  for (const Value& arg : call.args) items.push_back(arg.string_value());
  return Value::Strings(items);
}

Result<Value> CallSafeUrl(AmCall call) {
  return Value::String(call.args[0].string_value(), Type::kUrl);
}

Result<Value> CallUrlUnescape(AmCall call) {
  return Value::String(TRY(UrlQueryUnescape(call.args[0].string_value())));
}

Result<Value> CallDate(AmCall call) {
  return Value::String(FormatTime(call.args[1].time_value(), call.args[0].string_value()));
}

Result<Value> CallTz(AmCall call) {
  Time time = call.args[1].time_value();
  if (call.args[0].string_value() == "Local") {
    time.zone = call.environment.local_zone;
  } else {
    time.zone = TRY(TimeZone::Load(call.args[0].string_value()));
  }
  return Value::Moment(std::move(time));
}

Result<Value> CallAmNow(AmCall call) {
  Time now = Time::FromUnixMs(call.environment.clock->Now());
  now.zone = call.environment.local_zone;
  return Value::Moment(std::move(now));
}

Result<Value> CallSince(AmCall call) {
  const Time now = Time::FromUnixMs(call.environment.clock->Now());
  return Value::Duration(now.Minus(call.args[0].time_value()));
}

Result<Value> CallAmHumanizeDuration(AmCall call) {
  return Value::String(HumanizeDuration(TRY(NumberOf(call.args[0]))));
}

Result<Value> CallMustToDate(AmCall call) {
  return Value::Moment(TRY(ParseTime(call.args[0].string_value(), call.args[1].string_value(),
                                     call.environment.local_zone)));
}

// The zero time where mustToDate is an error.
Result<Value> CallToDate(AmCall call) {
  Result<Value> parsed = CallMustToDate(call);
  return parsed ? std::move(parsed) : Result<Value>(Value::Moment(Time()));
}

Result<Value> CallToJson(AmCall call) {
  return Value::String(TRY(ToJson(call.args[0], call.max_bytes)));
}

// The alphabet of URLs, with padding.
Result<Value> CallBase64Encode(AmCall call) {
  std::string text = Base64Encode(call.args[0].string_value());
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return Value::String(std::move(text));
}

Result<Value> CallBase64Decode(AmCall call) {
  return Value::String(TRY(Base64Decode(call.args[0].string_value())));
}

Result<Value> CallList(AmCall call) {
  return Value::Anys(std::vector<Value>(call.args.begin(), call.args.end()));
}

Result<Value> CallAppend(AmCall call) {
  std::vector<Value> items;
  if (!call.args[0].IsNil()) items = call.args[0].Base().list().items;
  items.insert(items.end(), call.args.begin() + 1, call.args.end());
  return Value::Anys(std::move(items));
}

Result<Value> CallDict(AmCall call) {
  if (call.args.size() % 2 != 0) return BadData("dict expects even number of arguments");
  std::map<std::string, Value, std::less<>> entries;
  for (size_t i = 0; i < call.args.size(); i += 2) {
    if (call.args[i].type() != Type::kString) return BadData("dict keys must be strings");
    entries[call.args[i].string_value()] = call.args[i + 1];
  }
  return Value::AnyMap(std::move(entries));
}

constexpr std::array kAlertmanagerRows = {
    FunctionRow{"append", TakesMany(kList, kAny), CallAppend},
    FunctionRow{"base64decode", Takes(kString), CallBase64Decode},
    FunctionRow{"base64encode", Takes(kString), CallBase64Encode},
    FunctionRow{"date", Takes(kString, kTime), CallDate},
    FunctionRow{"dict", TakesMany(kAny), CallDict},
    FunctionRow{"humanizeDuration", Takes(kAny), CallAmHumanizeDuration},
    FunctionRow{"join", Takes(kString, kStrings), CallJoin},
    FunctionRow{"list", TakesMany(kAny), CallList},
    FunctionRow{"match", Takes(kString, kString), CallMatch},
    FunctionRow{"mustToDate", Takes(kString, kString), CallMustToDate},
    FunctionRow{"now", Takes(), CallAmNow},
    FunctionRow{"reReplaceAll", Takes(kString, kString, kString), CallReReplaceAll},
    FunctionRow{"safeHtml", Takes(kString), CallSafeHtml},
    FunctionRow{"safeUrl", Takes(kString), CallSafeUrl},
    FunctionRow{"since", Takes(kTime), CallSince},
    FunctionRow{"stringSlice", TakesMany(kString), CallStringSlice},
    FunctionRow{"title", Takes(kString), CallAmTitle},
    FunctionRow{"toDate", Takes(kString, kString), CallToDate},
    FunctionRow{"toJson", Takes(kAny), CallToJson},
    FunctionRow{"toLower", Takes(kString), CallToLower},
    FunctionRow{"toUpper", Takes(kString), CallToUpper},
    FunctionRow{"trimSpace", Takes(kString), CallTrimSpace},
    FunctionRow{"tz", Takes(kString, kTime), CallTz},
    FunctionRow{"urlUnescape", Takes(kString), CallUrlUnescape},
};

}  // namespace

std::span<const FunctionRow> AlertmanagerFunctions() { return kAlertmanagerRows; }

}  // namespace vigil::tmpl
