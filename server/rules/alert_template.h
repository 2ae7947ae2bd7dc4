// SPDX-License-Identifier: Apache-2.0
// The text of one label or annotation of an alerting rule, parsed once, expanded per alert.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/function.h"
#include "server/template/template.h"
#include "server/template/value.h"

namespace vigil::rules {

// Threads: any for const methods.
class AlertTemplate {
 public:
  // The functions that rules may call: one for many texts, whose copies share its table.
  class Functions {
   public:
    Functions();

   private:
    friend class AlertTemplate;
    tmpl::TemplateSet set_;
  };

  // What the expansion depends on, beside the labels of the series.
  enum class Needs {
    kNothing,  // no template: the text as it stands
    kLabels,
    kValue,  // the sample's value, too
    kWorld,  // what a query or the time says
  };

  // `alert` is the name of the rule. bad_data with Go's text.
  static Result<AlertTemplate> Create(const Functions& functions, std::string_view alert,
                                      std::string_view text);

  [[nodiscard]] Needs needs() const { return needs_; }
  // What goes wrong becomes the text: `<error expanding template: ...>`; *error then says it, too.
  // `data` is tmpl::RuleValue().
  [[nodiscard]] std::string Expand(const tmpl::Value& data, const tmpl::Environment& environment,
                                   std::string* error) const;

 private:
  AlertTemplate() = default;

  std::string text_;  // as written when there is no template, else the template's name
  std::optional<tmpl::TemplateSet> set_;
  Needs needs_ = Needs::kNothing;
};

}  // namespace vigil::rules
