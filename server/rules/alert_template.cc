// SPDX-License-Identifier: Apache-2.0
#include "server/rules/alert_template.h"

#include "server/template/alert_data.h"

namespace vigil::rules {
namespace {

// Far more than any text for people needs: a rule may have 100,000 alerts.
constexpr tmpl::Limits kAlertTextLimits = {
    .max_output_bytes = 1 << 20, .max_steps = 1'000'000, .max_run_ms = 2'000};

bool IsWordByte(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether the text may look at the value: by name, or at the whole of the data as `.` or `$`.
// Rather yes than no.
bool MentionsValue(std::string_view text) {
  if (text.find("alue") != std::string_view::npos) return true;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '.' && text[i] != '$') continue;
    if (i + 1 == text.size() || !IsWordByte(text[i + 1])) return true;
  }
  return false;
}

AlertTemplate::Needs NeedsOf(std::string_view text) {
  using Needs = AlertTemplate::Needs;
  if (text.find("{{") == std::string_view::npos) return Needs::kNothing;
  if (text.find("query") != std::string_view::npos || text.find("now") != std::string_view::npos) {
    return Needs::kWorld;
  }
  return MentionsValue(text) ? Needs::kValue : Needs::kLabels;
}

}  // namespace

AlertTemplate::Functions::Functions() : set_(tmpl::PrometheusFunctions()) {}

Result<AlertTemplate> AlertTemplate::Create(const Functions& functions, std::string_view alert,
                                            std::string_view text) {
  AlertTemplate made;
  made.needs_ = NeedsOf(text);
  if (made.needs_ == Needs::kNothing) {
    made.text_ = text;
    return made;
  }
  made.text_ = "__alert_" + std::string(alert);
  made.set_ = functions.set_;
  TRY(made.set_->Parse(made.text_, std::string(tmpl::kRulePrelude) + std::string(text)));
  return made;
}

std::string AlertTemplate::Expand(const tmpl::Value& data, const tmpl::Environment& environment,
                                  std::string* error) const {
  if (!set_) return text_;
  Result<std::string> text = set_->Execute(text_, data, environment, kAlertTextLimits);
  if (text) return std::move(text).value();
  *error = "error executing template " + text_ + ": " + text.error().message;
  return "<error expanding template: " + *error + ">";
}

}  // namespace vigil::rules
