// SPDX-License-Identifier: Apache-2.0
#include "server/cli/silence_body.h"

#include <algorithm>

#include "server/cli/alertmanager.h"
#include "server/template/json_text.h"

namespace vigil::cli {
namespace {

void AppendMember(std::string_view name, std::string_view text, std::string* out) {
  tmpl::AppendJsonString(name, out);
  *out += ':';
  tmpl::AppendJsonString(text, out);
}

void AppendMatcher(const alerting::LabelMatcher& matcher, std::string* out) {
  const MatchType type = matcher.type();
  const bool regex = type == MatchType::kRegexp || type == MatchType::kNotRegexp;
  const bool equal = type == MatchType::kEqual || type == MatchType::kRegexp;
  *out += '{';
  AppendMember("name", matcher.name(), out);
  *out += ',';
  AppendMember("value", matcher.value(), out);
  out->append(R"(,"isRegex":)").append(regex ? "true" : "false");
  out->append(R"(,"isEqual":)").append(equal ? "true}" : "false}");
}

}  // namespace

std::string SilenceBody::ToJson() const {
  std::string out = "{\"matchers\":[";
  for (size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out += ',';
    AppendMatcher(matchers[i], &out);
  }
  out += "],";
  AppendMember("startsAt", TimeToJson(starts_at), &out);
  out += ',';
  AppendMember("endsAt", TimeToJson(ends_at), &out);
  out += ',';
  AppendMember("createdBy", created_by, &out);
  out += ',';
  AppendMember("comment", comment, &out);
  if (!annotations.empty()) out += ",\"annotations\":{";
  for (size_t i = 0; i < annotations.size(); ++i) {
    if (i > 0) out += ',';
    AppendMember(annotations[i].first, annotations[i].second, &out);
  }
  if (!annotations.empty()) out += '}';
  return out + "}";
}

void SetText(JsonValue* object, const std::string& name, std::string text) {
  const auto found = std::find_if(object->members.begin(), object->members.end(),
                                  [&](const JsonMember& member) { return member.name == name; });
  JsonMember& member = found == object->members.end() ? object->members.emplace_back() : *found;
  member.name = name;
  member.value.kind = JsonValue::Kind::kString;
  member.value.text = std::move(text);
}

std::string PostableSilence(const JsonValue& silence) {
  JsonValue body = silence;
  std::erase_if(body.members, [](const JsonMember& member) {
    return member.name == "status" || member.name == "updatedAt";
  });
  std::string out;
  AppendJson(body, &out);
  return out;
}

}  // namespace vigil::cli
