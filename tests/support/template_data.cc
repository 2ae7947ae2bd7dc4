// SPDX-License-Identifier: Apache-2.0
// A recursive descent over JSON and its words.
#include "tests/support/template_data.h"

#include <cctype>
#include <cstdlib>

#include "client-lib/model/float_text.h"
#include "server/template/alert_data.h"
#include "server/template/rune.h"

namespace vigil::testing_support {
namespace {

using tmpl::Kind;
using tmpl::TextMap;
using tmpl::Type;
using tmpl::Value;

TextMap TextsOf(const Value& map) {
  TextMap texts;
  if (map.kind() != Kind::kMap) return texts;
  for (const auto& [key, value] : map.map().entries) {
    if (value.kind() == Kind::kString) texts.emplace(key, value.string_value());
  }
  return texts;
}

std::string TextAt(const Value& map, std::string_view key) {
  const Value value = map.map().Get(key);
  return value.kind() == Kind::kString ? value.string_value() : "";
}

tmpl::Time TimeAt(const Value& map, std::string_view key) {
  const Result<tmpl::Time> time =
      tmpl::ParseTime("2006-01-02T15:04:05Z07:00", TextAt(map, key), nullptr);
  return time ? *time : tmpl::Time();
}

Value NotificationOf(const Value& map) {
  tmpl::Notification made;
  made.receiver = TextAt(map, "receiver");
  made.status = TextAt(map, "status");
  made.group_labels = TextsOf(map.map().Get("groupLabels"));
  made.common_labels = TextsOf(map.map().Get("commonLabels"));
  made.common_annotations = TextsOf(map.map().Get("commonAnnotations"));
  made.route_labels = TextsOf(map.map().Get("routeLabels"));
  made.external_url = TextAt(map, "externalURL");
  made.reason = TextAt(map, "reason");
  const Value alerts = map.map().Get("alerts");
  if (alerts.kind() == Kind::kList) {
    for (const Value& alert : alerts.list().items) {
      if (alert.kind() != Kind::kMap) continue;
      made.alerts.push_back({TextAt(alert, "status"), TextsOf(alert.map().Get("labels")),
                             TextsOf(alert.map().Get("annotations")), TimeAt(alert, "startsAt"),
                             TimeAt(alert, "endsAt"), TextAt(alert, "generatorURL"),
                             TextAt(alert, "fingerprint")});
    }
  }
  return NotificationValue(made);
}

Value RuleOf(const Value& map) {
  const Value value = map.map().Get("value");
  return tmpl::RuleValue({TextsOf(map.map().Get("labels")),
                          TextsOf(map.map().Get("external_labels")), TextAt(map, "external_url"),
                          value.kind() == Kind::kFloat ? value.float_value()
                          : value.kind() == Kind::kInt ? static_cast<double>(value.int_value())
                                                       : 0});
}

Value AddFunction() {
  auto function = std::make_shared<tmpl::Function>();
  function->signature = tmpl::Takes(tmpl::Param::kInt, tmpl::Param::kInt);
  function->call = [](tmpl::Args args) -> Result<Value> {
    if (args[0].kind() != Kind::kInt || args[1].kind() != Kind::kInt) {
      return BadData("add wants two ints");
    }
    return Value::Int(args[0].int_value() + args[1].int_value());
  };
  return Value::Of(std::shared_ptr<const tmpl::Function>(std::move(function)));
}

class DataParser {
 public:
  explicit DataParser(std::string_view text) : rest_(text) {}

  Result<Value> Whole() {
    Value value = TRY(One(0));
    Skip();
    if (!rest_.empty()) return Wrong();
    return value;
  }

 private:
  void Skip() {
    while (!rest_.empty() && rest_[0] <= ' ') rest_.remove_prefix(1);
  }
  bool Accept(char c) {
    Skip();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] Error Wrong() const {
    return BadData("not a value here: " + std::string(rest_.substr(0, 30)));
  }

  Result<Value> One(int depth) {
    Skip();
    if (rest_.empty() || depth > 40) return Wrong();
    if (rest_[0] == '"') return Value::String(TRY(Text()));
    if (Accept('[')) return Items(depth);
    if (Accept('{')) return Members(depth);
    if ((rest_[0] | 0x20) >= 'a' && (rest_[0] | 0x20) <= 'z') return Word(depth);
    return Number();
  }

  Result<std::string> Text() {
    std::string text;
    for (rest_.remove_prefix(1); !rest_.empty() && rest_[0] != '"';) {
      if (rest_[0] != '\\') {
        text += rest_[0];
        rest_.remove_prefix(1);
        continue;
      }
      rest_.remove_prefix(1);
      if (rest_.starts_with('/')) {
        text += '/';
        rest_.remove_prefix(1);
      } else if (!tmpl::AppendUnescaped(&rest_, '"', &text)) {
        return Wrong();
      }
    }
    if (rest_.empty()) return Wrong();
    rest_.remove_prefix(1);
    return text;
  }

  Result<Value> Items(int depth) {
    std::vector<Value> items;
    if (Accept(']')) return Value::Anys({});
    do {
      items.push_back(TRY(One(depth + 1)));
    } while (Accept(','));
    if (!Accept(']')) return Wrong();
    return Value::Anys(std::move(items));
  }

  Result<Value> Members(int depth) {
    std::map<std::string, Value, std::less<>> members;
    if (Accept('}')) return Value::AnyMap({});
    do {
      Skip();
      if (!rest_.starts_with('"')) return Wrong();
      std::string name = TRY(Text());
      if (!Accept(':')) return Wrong();
      members[name] = TRY(One(depth + 1));
    } while (Accept(','));
    if (!Accept('}')) return Wrong();
    return Value::AnyMap(std::move(members));
  }

  Result<Value> Number() {
    const size_t end = std::min(rest_.find_first_of(",]}) \n"), rest_.size());
    const std::string text(rest_.substr(0, end));
    const std::optional<double> number = ParseFloat(text);
    if (!number) return Wrong();
    rest_.remove_prefix(end);
    if (text.find_first_of(".eEnN") != std::string::npos) return Value::Float(*number);
    return Value::Int(std::strtoll(text.c_str(), nullptr, 10));
  }

  Result<Value> Word(int depth) {
    size_t end = 0;
    while (end < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[end])) != 0)) ++end;
    const std::string word(rest_.substr(0, end));
    if (word == "Inf" || word == "NaN") return Number();
    rest_.remove_prefix(end);
    if (word == "null") return Value();
    if (word == "true" || word == "false") return Value::Bool(word == "true");
    if (word == "add") return AddFunction();
    if (!Accept('(')) return Wrong();
    const Value inside = TRY(One(depth + 1));
    if (!Accept(')')) return Wrong();
    return Made(word, inside);
  }

  Result<Value> Made(const std::string& word, const Value& inside) {
    if (inside.kind() == Kind::kMap) {
      if (word == "strmap") return Value::StringMap(TextsOf(inside));
      if (word == "kv") return tmpl::LabelSetValue(TextsOf(inside));
      if (word == "rule") return RuleOf(inside);
      if (word == "notification") return NotificationOf(inside);
    } else if (inside.kind() == Kind::kString) {
      const std::string& text = inside.string_value();
      if (word == "html") return Value::String(text, Type::kHtml);
      if (word == "url") return Value::String(text, Type::kUrl);
      if (word == "js") return Value::String(text, Type::kJs);
      if (word == "css") return Value::String(text, Type::kCss);
      if (word == "time") {
        return Value::Moment(TRY(tmpl::ParseTime("2006-01-02T15:04:05Z07:00", text, nullptr)));
      }
    } else if (inside.kind() == Kind::kInt) {
      if (word == "int64") return Value::Int(inside.int_value(), Type::kInt64);
      if (word == "duration") return Value::Duration(inside.int_value());
    } else if (inside.kind() == Kind::kList && word == "strings") {
      std::vector<std::string> texts;
      for (const Value& item : inside.list().items) {
        if (item.kind() == Kind::kString) texts.push_back(item.string_value());
      }
      return Value::Strings(texts);
    }
    return BadData("no value is written as " + word);
  }

  std::string_view rest_;
};

}  // namespace

Result<Value> ParseTemplateData(std::string_view text) { return DataParser(text).Whole(); }

}  // namespace vigil::testing_support
