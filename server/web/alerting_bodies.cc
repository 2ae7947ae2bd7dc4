// SPDX-License-Identifier: Apache-2.0
// See alerting_bodies.h. Both readers take a body in one pass. As in Go a syntax error is told
// before a value of a wrong type, and that before a member that is missing.
#include "server/web/alerting_bodies.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <span>
#include <utility>

#include "client-lib/base/json_reader.h"
#include "client-lib/base/strings.h"
#include "server/web/date_time.h"

namespace vigil::web {
namespace {

using Kind = JsonReader::Kind;

constexpr int kRequired = 602;
constexpr int kBadFormat = 601;
constexpr int kTooFewItems = 612;

std::string_view GoKind(Kind kind) {
  switch (kind) {
    case Kind::kObject:
      return "object";
    case Kind::kArray:
      return "array";
    case Kind::kString:
      return "string";
    case Kind::kNumber:
      return "number";
    default:
      return "bool";
  }
}

// Go takes a member by its name whatever the case of its letters.
bool IsMember(std::string_view key, std::string_view name) {
  return key == name || EqualsIgnoreCase(key, name);
}

// A reader of one body and what went wrong with it first.
class BodyReader {
 public:
  BodyReader(std::string_view body, std::string_view what) : json_(body), what_(what) {}

  JsonReader& json() { return json_; }

  // True when such a value comes. A null is skipped and false; anything else is an error that names
  // `target` and `type`: `struct field Alert.labels of type ` and `string`.
  bool Expect(Kind wanted, std::string_view target, std::string_view type = {}) {
    const Kind kind = json_.Peek();
    if (kind == wanted) return true;
    if (kind != Kind::kNull && kind != Kind::kError && type_error_.empty()) {
      type_error_ = "json: cannot unmarshal ";
      type_error_.append(GoKind(kind)).append(" into Go ").append(target).append(type);
    }
    json_.Skip();
    return false;
  }

  // Nothing when it is null or wrong.
  std::optional<std::string_view> Text(std::string_view target) {
    if (!Expect(Kind::kString, target)) return std::nullopt;
    return json_.String();
  }

  std::optional<TimestampMs> Time(std::string_view target) {
    const auto text = Text(target);
    if (!text || json_.failed()) return std::nullopt;
    return TimeOf(*text);
  }

  std::optional<TimestampMs> TimeOf(std::string_view text) {
    Result<TimestampMs> time = ParseDateTime(text);
    if (time) return *time;
    if (time_error_.empty()) time_error_ = time.error().message;
    return std::nullopt;
  }

  // What was not good about the text; times stop upstream's decoder, wrong types do not.
  std::optional<BodyProblem> Problem() const {
    for (const std::string& error : {json_.error(), time_error_, type_error_}) {
      if (error.empty()) continue;
      return BodyProblem{400, 400, "parsing " + what_ + " body from \"\" failed, because " + error};
    }
    return std::nullopt;
  }

  BodyProblem Missing(std::string_view member) const {
    return {422, kRequired, std::string(member) + " in body is required"};
  }

 private:
  JsonReader json_;
  const std::string what_;
  std::string type_error_;
  std::string time_error_;
};

// url.ParseRequestURI: absolute, or an absolute path.
bool IsRequestUri(std::string_view text) {
  if (text.empty()) return true;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
  }
  size_t rest = 0;
  const bool begins_well = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');
  if (begins_well) {
    while (rest < text.size() &&
           (std::isalnum(static_cast<uint8_t>(text[rest])) != 0 ||
            std::string_view("+-.").find(text[rest]) != std::string_view::npos)) {
      ++rest;
    }
    if (rest == text.size() || text[rest] != ':') return false;
    ++rest;
    if (!text.substr(rest).starts_with("//")) return true;
    const std::string_view host =
        text.substr(rest + 2, text.find_first_of("/?#", rest + 2) - rest - 2);
    return host.find_first_of(" <>\"\\^`{|}") == std::string_view::npos;
  }
  return text[0] == '/';
}

// How many are left.
size_t DropEmpty(LabelView* pairs, size_t count) {
  return static_cast<size_t>(
      std::remove_if(pairs, pairs + count,
                     [](const LabelView& pair) { return pair.value.empty(); }) -
      pairs);
}

size_t SortManyPairs(LabelView* pairs, size_t count) {
  std::stable_sort(pairs, pairs + count,
                   [](const LabelView& a, const LabelView& b) { return a.name < b.name; });
  size_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    if (left > 0 && pairs[left - 1].name == pairs[i].name) --left;
    pairs[left++] = pairs[i];
  }
  return left;
}

// Sorts pairs by name, of equal names the last one wins, in place; how many are left. Label sets
// are short, and most come sorted.
size_t SortPairs(LabelView* pairs, size_t count) {
  constexpr size_t kShort = 64;
  if (count > kShort) return SortManyPairs(pairs, count);
  size_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    const LabelView pair = pairs[i];
    size_t at = left;
    while (at > 0 && pair.name < pairs[at - 1].name) --at;
    if (at > 0 && pairs[at - 1].name == pair.name) {
      pairs[at - 1] = pair;
      continue;
    }
    std::move_backward(pairs + at, pairs + left, pairs + left + 1);
    pairs[at] = pair;
    ++left;
  }
  return left;
}

// Where the pairs of a report stand; the list still grows.
struct PairSpan {
  size_t begin = 0;
  size_t size = 0;
};

struct ReadReport {
  PairSpan labels;
  PairSpan annotations;
  std::string_view generator_url;
  std::optional<TimestampMs> starts_at;
  std::optional<TimestampMs> ends_at;
};

// Reads alerts one after the other.
class AlertsReader {
 public:
  AlertsReader(std::string_view body, std::vector<LabelView>* pairs)
      : reader_(body, "alerts"), pairs_(*pairs) {}

  std::optional<BodyProblem> Read() {
    JsonReader& json = reader_.json();
    if (json.AtEnd()) return reader_.Missing("alerts");
    if (reader_.Expect(Kind::kArray, "value of type models.PostableAlerts")) {
      json.Enter();
      ReadReport refused;
      for (size_t i = 0; json.NextElement(); ++i) {
        if (i == kMaxPostedAlerts) {
          return BodyProblem{413, 413,
                             "the body has more than " + std::to_string(kMaxPostedAlerts) +
                                 " alerts: post fewer at once"};
        }
        // Nothing will come of an invalid body: its alerts are only looked at.
        if (invalid_) pairs_.clear();
        ReadAlert(i, invalid_ ? &refused : &reports_.emplace_back());
      }
    }
    if (auto problem = reader_.Problem()) return problem;
    return std::move(invalid_);
  }
  const std::vector<ReadReport>& reports() const { return reports_; }
  std::deque<std::string> TakeDecoded() { return reader_.json().TakeDecoded(); }

 private:
  void ReadAlert(size_t index, ReadReport* report) {
    JsonReader& json = reader_.json();
    bool has_labels = false;
    if (reader_.Expect(Kind::kObject, kAlertTarget)) {
      json.Enter();
      std::string_view key;
      while (json.NextKey(&key)) {
        if (IsMember(key, "labels")) {
          has_labels = ReadLabels("struct field Alert.labels of type ", &report->labels);
        } else if (IsMember(key, "annotations")) {
          ReadPairs("struct field .annotations of type ", &report->annotations);
        } else if (IsMember(key, "startsAt")) {
          report->starts_at = ReadTime("struct field .startsAt of type string", &starts_);
        } else if (IsMember(key, "endsAt")) {
          report->ends_at = ReadTime("struct field .endsAt of type string", &ends_);
        } else if (IsMember(key, "generatorURL")) {
          report->generator_url =
              reader_.Text("struct field Alert.generatorURL of type string").value_or("");
        } else {
          json.Skip();
        }
      }
    }
    if (!invalid_) Check(index, *report, has_labels);
  }

  void Check(size_t index, const ReadReport& report, bool has_labels) {
    // Alerts of one rule have the URL in common.
    if (report.generator_url != good_url_) {
      if (!IsRequestUri(report.generator_url)) {
        invalid_ = BodyProblem{
            422, kBadFormat,
            std::to_string(index) +
                ".generatorURL in body must be of type uri: " + Quote(report.generator_url)};
        return;
      }
      good_url_ = report.generator_url;
    }
    if (!has_labels) invalid_ = reader_.Missing(std::to_string(index) + ".labels");
  }

  // False when there is null. Empty values are no labels.
  bool ReadLabels(std::string_view target, PairSpan* out) {
    if (!ReadPairs(target, out)) return false;
    out->size = DropEmpty(pairs_.data() + out->begin, out->size);
    pairs_.resize(out->begin + out->size);
    return true;
  }

  bool ReadPairs(std::string_view target, PairSpan* out) {
    JsonReader& json = reader_.json();
    *out = {};
    if (json.Peek() != Kind::kObject) {
      static_cast<void>(reader_.Expect(Kind::kObject, target, "models.LabelSet"));
      return false;
    }
    const size_t begin = pairs_.size();
    bool sorted = true;
    json.Enter();
    std::string_view name;
    while (json.NextKey(&name)) {
      std::string_view value;
      if (json.Peek() == Kind::kString) {
        value = json.String();
      } else {
        static_cast<void>(reader_.Expect(Kind::kString, target, "string"));
      }
      sorted = sorted && (pairs_.size() == begin || pairs_.back().name < name);
      pairs_.push_back({name, value});
    }
    const size_t count = pairs_.size() - begin;
    *out = {begin, sorted ? count : SortPairs(pairs_.data() + begin, count)};
    pairs_.resize(begin + out->size);
    return true;
  }

  // A time and what it was read from: most alerts of a body have it in common.
  struct KnownTime {
    std::string_view text;
    std::optional<TimestampMs> time;
  };
  std::optional<TimestampMs> ReadTime(std::string_view target, KnownTime* known) {
    const auto text = reader_.Text(target);
    if (!text || reader_.json().failed()) return std::nullopt;
    if (known->time && *text == known->text) return known->time;
    std::optional<TimestampMs> time = reader_.TimeOf(*text);
    if (time == kZeroTime) time = std::nullopt;
    *known = {*text, time};
    return time;
  }

  static constexpr std::string_view kAlertTarget =
      "value of type struct { Annotations models.LabelSet "
      "\"json:\\\"annotations,omitempty\\\"\"; EndsAt strfmt.DateTime "
      "\"json:\\\"endsAt,omitempty\\\"\"; StartsAt strfmt.DateTime "
      "\"json:\\\"startsAt,omitempty\\\"\" }";

  BodyReader reader_;
  std::optional<BodyProblem> invalid_;
  std::vector<LabelView>& pairs_;
  std::vector<ReadReport> reports_;
  std::string_view good_url_;
  KnownTime starts_, ends_;
};

// A silence, and which of its members were there.
class SilenceReader {
 public:
  SilenceReader(std::string_view body, PostedSilence* out) : reader_(body, "silence"), out_(out) {}

  std::optional<BodyProblem> Read() {
    JsonReader& json = reader_.json();
    if (json.AtEnd()) return reader_.Missing("silence");
    if (reader_.Expect(Kind::kObject, kSilenceTarget)) {
      json.Enter();
      std::string_view key;
      while (json.NextKey(&key)) ReadMember(key);
    }
    if (auto problem = reader_.Problem()) return problem;
    return FirstMissing();
  }

 private:
  // The members of a matcher that were there.
  struct MatcherMembers {
    bool is_regex = false, name = false, value = false;
  };

  void ReadMember(std::string_view key) {
    if (IsMember(key, "id")) {
      out_->id = reader_.Text("struct field .id of type string").value_or("");
    } else if (IsMember(key, "comment")) {
      has_comment_ = Take("struct field Silence.comment of type string", &out_->comment);
    } else if (IsMember(key, "createdBy")) {
      has_created_by_ = Take("struct field Silence.createdBy of type string", &out_->created_by);
    } else if (IsMember(key, "endsAt")) {
      has_ends_at_ = TakeTime("struct field Silence.endsAt of type string", &out_->ends_at);
    } else if (IsMember(key, "startsAt")) {
      has_starts_at_ = TakeTime("struct field Silence.startsAt of type string", &out_->starts_at);
    } else if (IsMember(key, "matchers")) {
      ReadMatchers();
    } else if (IsMember(key, "annotations")) {
      ReadAnnotations();
    } else {
      reader_.json().Skip();
    }
  }

  bool Take(std::string_view target, std::string* out) {
    const auto text = reader_.Text(target);
    *out = text.value_or("");
    return text.has_value();
  }

  bool TakeTime(std::string_view target, TimestampMs* out) {
    const auto time = reader_.Time(target);
    *out = time.value_or(0);
    return time.has_value();
  }

  void ReadAnnotations() {
    JsonReader& json = reader_.json();
    out_->annotations.clear();
    if (!reader_.Expect(Kind::kObject,
                        "struct field Silence.annotations of type models.LabelSet")) {
      return;
    }
    json.Enter();
    std::string_view name;
    while (json.NextKey(&name)) {
      Take("struct field Silence.annotations of type string",
           &out_->annotations[std::string(name)]);
    }
  }

  void ReadMatchers() {
    JsonReader& json = reader_.json();
    out_->matchers.clear();
    members_.clear();
    has_matchers_ =
        reader_.Expect(Kind::kArray, "struct field Silence.matchers of type models.Matchers");
    if (!has_matchers_) return;
    json.Enter();
    while (json.NextElement()) {
      PostedMatcher& matcher = out_->matchers.emplace_back();
      MatcherMembers& members = members_.emplace_back();
      if (!reader_.Expect(Kind::kObject, "struct field Silence.matchers of type models.Matcher")) {
        continue;
      }
      json.Enter();
      std::string_view key;
      while (json.NextKey(&key)) ReadMatcherMember(key, &matcher, &members);
    }
  }

  void ReadMatcherMember(std::string_view key, PostedMatcher* matcher, MatcherMembers* members) {
    if (IsMember(key, "name")) {
      members->name = Take("struct field Matcher.matchers.name of type string", &matcher->name);
    } else if (IsMember(key, "value")) {
      members->value = Take("struct field Matcher.matchers.value of type string", &matcher->value);
    } else if (IsMember(key, "isRegex")) {
      members->is_regex =
          reader_.Expect(Kind::kBool, "struct field Matcher.matchers.isRegex of type bool");
      matcher->is_regex = members->is_regex && reader_.json().Bool();
    } else if (IsMember(key, "isEqual")) {
      matcher->is_equal =
          !reader_.Expect(Kind::kBool, "struct field Matcher.matchers.isEqual of type bool") ||
          reader_.json().Bool();
    } else {
      reader_.json().Skip();
    }
  }

  std::optional<BodyProblem> FirstMissing() const {
    if (!has_comment_) return reader_.Missing("comment");
    if (!has_created_by_) return reader_.Missing("createdBy");
    if (!has_ends_at_) return reader_.Missing("endsAt");
    if (!has_matchers_) return reader_.Missing("matchers");
    if (members_.empty()) {
      return BodyProblem{422, kTooFewItems, "matchers in body should have at least 1 items"};
    }
    for (size_t i = 0; i < members_.size(); ++i) {
      const std::string path = "matchers." + std::to_string(i);
      if (!members_[i].is_regex) return reader_.Missing(path + ".isRegex");
      if (!members_[i].name) return reader_.Missing(path + ".name");
      if (!members_[i].value) return reader_.Missing(path + ".value");
    }
    if (!has_starts_at_) return reader_.Missing("startsAt");
    return std::nullopt;
  }

  static constexpr std::string_view kSilenceTarget =
      "value of type struct { ID string \"json:\\\"id,omitempty\\\"\" }";

  BodyReader reader_;
  PostedSilence* out_;
  std::vector<MatcherMembers> members_;
  bool has_comment_ = false;
  bool has_created_by_ = false;
  bool has_ends_at_ = false;
  bool has_starts_at_ = false;
  bool has_matchers_ = false;
};

MatchType MatchTypeOf(const PostedMatcher& matcher) {
  if (matcher.is_regex) return matcher.is_equal ? MatchType::kRegexp : MatchType::kNotRegexp;
  return matcher.is_equal ? MatchType::kEqual : MatchType::kNotEqual;
}

}  // namespace

std::optional<BodyProblem> AlertsBody::Read(std::string_view body,
                                            std::span<const alerting::AlertText> texts) {
  AlertsReader reader(body, &pairs_);
  auto problem = reader.Read();
  decoded_ = reader.TakeDecoded();
  if (problem) return problem;
  const std::span<const LabelView> all(pairs_);
  reports_.reserve(reader.reports().size());
  for (const ReadReport& read : reader.reports()) {
    reports_.push_back({all.subspan(read.labels.begin, read.labels.size),
                        all.subspan(read.annotations.begin, read.annotations.size),
                        read.generator_url, read.starts_at, read.ends_at});
  }
  for (size_t i = 0; i < texts.size(); ++i) reports_[i].text = texts[i].key;
  return std::nullopt;
}

std::optional<BodyProblem> ReadAlertsBody(std::string_view body,
                                          std::vector<alerting::PostedAlert>* alerts) {
  AlertsBody read;
  auto problem = read.Read(body);
  alerts->clear();
  for (const alerting::AlertReport& report : read.reports()) alerts->push_back(report.Copy());
  return problem;
}

std::optional<BodyProblem> ReadSilenceBody(std::string_view body, PostedSilence* silence) {
  return SilenceReader(body, silence).Read();
}

Result<alerting::Silence> MakeSilence(PostedSilence posted) {
  alerting::Silence silence;
  for (size_t i = 0; i < posted.matchers.size(); ++i) {
    const PostedMatcher& matcher = posted.matchers[i];
    auto made = alerting::LabelMatcher::Create(MatchTypeOf(matcher), matcher.name, matcher.value);
    if (!made) {
      return BadData("invalid silence: invalid label matcher " + std::to_string(i) +
                     ": invalid regular expression " + Quote(matcher.value) + ": " +
                     made.error().message);
    }
    silence.matchers.push_back(*std::move(made));
  }
  silence.id = std::move(posted.id);
  silence.starts_at = posted.starts_at;
  silence.ends_at = posted.ends_at;
  silence.created_by = std::move(posted.created_by);
  silence.comment = std::move(posted.comment);
  silence.annotations = std::move(posted.annotations);
  return silence;
}

}  // namespace vigil::web
