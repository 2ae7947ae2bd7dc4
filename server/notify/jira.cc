// SPDX-License-Identifier: Apache-2.0
// jira: an issue per group, found again by its label: search, create or change, then open or close.
#include <algorithm>

#include "client-lib/base/strings.h"
#include "server/notify/any_value.h"
#include "server/notify/incident.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/text_limits.h"
#include "server/notify/url.h"
#include "server/template/json_text.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxJiraSummaryRunes = 255;
constexpr size_t kMaxJiraDescriptionRunes = 32'767;
constexpr size_t kMaxJiraFieldBytes = 16 << 20;

// Version 3 of the API takes documents of Atlassian's format only.
bool IsVersion3(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  while (url.ends_with('/')) url.remove_suffix(1);
  return url.ends_with("/3");
}

bool IsCloudHost(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  return url.ends_with("atlassian.net");
}

// A document (ADF) stays as it is; of any other text a paragraph is made for each line.
std::string AtlassianDocument(const std::string& text) {
  const auto json = ParseJson(text);
  if (json && json->kind == JsonValue::Kind::kObject) return text;
  JsonWriter document;
  document.BeginObject().Key("version").Raw("1").Field("type", "doc").Key("content").BeginArray();
  for (const std::string_view line : Split(text, '\n')) {
    document.BeginObject().Field("type", "paragraph").Key("content").BeginArray();
    // A text without characters is not allowed.
    if (!TrimSpace(line).empty()) {
      document.BeginObject().Field("type", "text").Field("text", line).EndObject();
    }
    document.EndArray().EndObject();
  }
  document.EndArray().EndObject();
  return document.Take();
}

void WriteNamed(std::string_view key, std::string_view what, const std::string& name,
                JsonWriter* json) {
  json->Key(key).BeginObject().FieldIfAny(what, name).EndObject();
}

class JiraReceiver final : public Receiver {
 public:
  JiraReceiver(const alerting::JiraConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}

  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    return std::make_unique<Work>(*this, std::move(message));
  }

 private:
  // What the search says of the issue.
  struct Found {
    std::string key;  // empty: there is none
    bool has_status = false;
    bool done = false;
  };

  class Work final : public Delivery {
   public:
    Work(const JiraReceiver& receiver, std::shared_ptr<const Message> message)
        : receiver_(receiver), message_(std::move(message)) {}

    Step Next(const Answer* answer) override {
      if (answer == nullptr) return Send(State::kSearch, receiver_.Search(*message_));
      // Upstream gives up here; but as it all begins with a search, a second try does no harm.
      if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
      SendOutcome outcome = JudgeAnswer(**answer, receiver_.clock_.Now());
      if (outcome.verdict != SendVerdict::kSent) {
        outcome.error = what_ + outcome.error;
        return Finished{std::move(outcome), {}};
      }
      const std::string& body = (*answer)->body;
      switch (state_) {
        case State::kSearch:
          return OnFound(body);
        case State::kWrite:
          return OnWritten();
        case State::kTransitions:
          return OnTransitions(body);
        case State::kMove:
          break;
      }
      return Sent();
    }

   private:
    enum class State { kSearch, kWrite, kTransitions, kMove };

    Step Send(State state, Result<http::ClientRequest> request) {
      if (!request) return FailWith(request.error());
      state_ = state;
      if (state == State::kSearch) {
        what_ = "failed to look up existing issues: HTTP request to JIRA API: ";
      } else if (state == State::kWrite) {
        what_ = "failed to " + request->method + " request to \"issue" +
                (found_.key.empty() ? "" : "/" + found_.key) + "\": ";
      } else {
        what_.clear();
      }
      return std::move(request).value();
    }

    Step OnFound(const std::string& body) {
      const auto json = ParseJson(body);
      if (!json) {
        return Fail(SendVerdict::kFinal,
                    "failed to look up existing issues: " + json.error().message);
      }
      const std::vector<JsonValue>& issues = (*json)["issues"].items;
      if (!issues.empty()) {
        found_.key = issues.front()["key"].text;
        const JsonValue& status = issues.front()["fields"]["status"];
        found_.has_status = status.kind == JsonValue::Kind::kObject;
        found_.done = status["statusCategory"]["key"].text == "done";
      }
      // No issue is made for what is over.
      if (found_.key.empty() && message_->resolved()) return Sent();
      return Send(State::kWrite, receiver_.Write(*message_, found_.key));
    }

    Step OnWritten() {
      const bool right = found_.done == message_->resolved();
      if (found_.key.empty() || !found_.has_status || right || Transition().empty()) return Sent();
      return Send(State::kTransitions, receiver_.Api("GET", Path(), ""));
    }

    Step OnTransitions(const std::string& body) {
      const auto json = ParseJson(body);
      if (!json) return Fail(SendVerdict::kFinal, json.error().message);
      for (const JsonValue& each : (*json)["transitions"].items) {
        if (each["name"].text != Transition()) continue;
        JsonWriter move;
        move.BeginObject();
        WriteNamed("transition", "id", each["id"].text, &move);
        move.EndObject();
        return Send(State::kMove, receiver_.Api("POST", Path(), move.Take()));
      }
      return Fail(SendVerdict::kFinal,
                  "can't find transition " + Transition() + " for issue " + found_.key);
    }

    [[nodiscard]] const std::string& Transition() const {
      return message_->resolved() ? receiver_.config_.resolve_transition
                                  : receiver_.config_.reopen_transition;
    }
    [[nodiscard]] std::string Path() const {
      return "issue/" + PathEscape(found_.key) + "/transitions";
    }

    const JiraReceiver& receiver_;
    const std::shared_ptr<const Message> message_;
    State state_ = State::kSearch;
    std::string what_;  // is under way: in front of errors
    Found found_;
  };

  [[nodiscard]] http::ClientRequest Api(std::string method, const std::string& path,
                                        std::string body) const {
    return Call(std::move(method), JoinPath(config_.api_url, path), std::move(body));
  }

  static http::ClientRequest Call(std::string method, std::string url, std::string body) {
    http::ClientRequest request = PostJson(std::move(url), std::move(body));
    request.method = std::move(method);
    request.headers.Set("Accept-Language", "en");
    return request;
  }

  static std::string LabelOf(const Message& message) { return "ALERT{" + message.key_hash + "}"; }

  Result<http::ClientRequest> Search(const Message& message) const {
    Expander texts = message.Texts();
    const std::string project = texts.Text(config_.project);
    TRY_CONTEXT(texts.Check(),
                "failed to look up existing issues: invalid project template or value");
    std::string jql;
    if (!config_.wont_fix_resolution.empty()) {
      jql += "resolution != " + Quote(config_.wont_fix_resolution) + " and ";
    }
    const int64_t minutes = config_.reopen_duration / 60'000;
    if (!message.resolved() && !config_.reopen_transition.empty() && minutes > 0) {
      jql +=
          "(resolutiondate is EMPTY OR resolutiondate >= -" + std::to_string(minutes) + "m) and ";
    } else {
      jql += "statusCategory != Done and ";
    }
    jql += "project=" + Quote(project) + " and labels=" + Quote(LabelOf(message)) +
           " order by status ASC,resolutiondate DESC";
    JsonWriter json;
    json.BeginObject().Key("fields").BeginArray().String("status").EndArray();
    json.Field("jql", jql).Number("maxResults", 2).EndObject();
    const bool cloud =
        config_.api_type == "cloud" || (config_.api_type == "auto" && IsCloudHost(config_.api_url));
    if (!cloud) return Api("POST", "search", json.Take());
    // Jira Cloud has this search in version 3 only, Data Center does not have it at all.
    std::string url = JoinPath(config_.api_url, "search/jql");
    const size_t version = url.find("/rest/api/2/");
    if (version != std::string::npos) url[version + 10] = '3';
    return Call("POST", std::move(url), json.Take());
  }

  // A new issue, or changes to the one with the key.
  Result<http::ClientRequest> Write(const Message& message, const std::string& key) const {
    std::string fields = TRY(Fields(message, !key.empty()));
    JsonWriter json;
    json.BeginObject().Key("fields").Raw(fields).EndObject();
    if (key.empty()) return Api("POST", "issue", json.Take());
    return Api("PUT", "issue/" + PathEscape(key), json.Take());
  }

  Result<std::string> Fields(const Message& message, bool is_update) const {
    Expander texts = message.Texts();
    const auto text = [&](const std::string& source, const char* what) -> Result<std::string> {
      std::string expanded = texts.Text(source);
      TRY_CONTEXT(texts.Check(), std::string(what) + " template");
      return expanded;
    };
    // Of what is cut afterwards.
    const auto start = [&](const std::string& source, size_t runes,
                           const char* what) -> Result<std::string> {
      std::string expanded = texts.StartOfText(source, 4 * (runes + 1));
      TRY_CONTEXT(texts.Check(), std::string(what) + " template");
      return expanded;
    };
    // By name: a custom field replaces what is here.
    std::map<std::string, std::string> fields;
    const auto named = [&](const char* field, const char* what, const std::string& name) {
      JsonWriter json;
      json.BeginObject().FieldIfAny(what, name).EndObject();
      fields[field] = json.Take();
    };
    const std::string summary = TRY(start(config_.summary.text, kMaxJiraSummaryRunes, "summary"));
    const std::string project = TRY(text(config_.project, "project"));
    const std::string type = TRY(text(config_.issue_type, "issue_type"));
    const std::string description =
        TRY(start(config_.description.text, kMaxJiraDescriptionRunes, "description"));
    const std::string priority = TRY(text(config_.priority, "priority"));
    if (!is_update || config_.summary.enable_update.value_or(true)) {
      fields["summary"] = JsonText(TruncateInRunes(summary, kMaxJiraSummaryRunes).text);
    }
    if (!is_update || config_.description.enable_update.value_or(true)) {
      const std::string json = Description(description);
      if (!json.empty()) fields["description"] = json;
    }
    JsonWriter key;
    key.BeginObject().Field("key", project).EndObject();
    fields["project"] = key.Take();
    named("issuetype", "name", type);
    if (!priority.empty()) named("priority", "name", priority);
    fields["labels"] = TRY(Labels(message, &texts));
    for (const auto& [name, value] : config_.fields) {
      const tmpl::Value expanded = ExpandAny(value, &texts);
      TRY_CONTEXT(texts.Check(), "fields template");
      fields[name] = TRY(tmpl::ToJson(expanded, kMaxJiraFieldBytes));
    }
    JsonWriter json;
    json.BeginObject();
    for (const auto& [name, value] : fields) json.Key(name).Raw(value);
    json.EndObject();
    return json.Take();
  }

  static std::string JsonText(const std::string& text) {
    std::string out;
    tmpl::AppendJsonString(text, &out);
    return out;
  }

  [[nodiscard]] std::string Description(const std::string& text) const {
    const std::string cut = TruncateInRunes(text, kMaxJiraDescriptionRunes).text;
    if (!IsVersion3(config_.api_url)) return cut.empty() ? "" : JsonText(cut);
    const std::string trimmed(TrimSpace(cut));
    return trimmed.empty() ? "" : AtlassianDocument(trimmed);
  }

  Result<std::string> Labels(const Message& message, Expander* texts) const {
    std::vector<std::string> labels = {LabelOf(message)};
    for (size_t i = 0; i < config_.labels.size(); ++i) {
      labels.push_back(texts->Text(config_.labels[i]));
      TRY_CONTEXT(texts->Check(), "labels[" + std::to_string(i) + "] template");
    }
    std::sort(labels.begin(), labels.end());
    JsonWriter json;
    json.BeginArray();
    for (const std::string& label : labels) json.String(label);
    json.EndArray();
    return json.Take();
  }

  const alerting::JiraConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeJira(const alerting::JiraConfig& config,
                                   const ReceiverContext& context) {
  return std::make_unique<JiraReceiver>(config, context.clock);
}

}  // namespace vigil::notify
