// SPDX-License-Identifier: Apache-2.0
// Sets of templates in Go's text/template language, and their expansion.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/template/function.h"
#include "server/template/node.h"
#include "server/template/value.h"

namespace vigil::tmpl {

// What an expansion may cost. Beyond any of them it is an error of one sentence.
struct Limits {
  size_t max_output_bytes = size_t{16} << 20;  // also of each text that a function makes
  uint64_t max_steps = 10'000'000;             // nodes evaluated, roughly
  int64_t max_run_ms = 10'000;                 // by Environment::clock
  size_t max_depth = 400;       // templates, blocks and parentheses inside each other
  size_t max_value_depth = 50;  // lists and dicts inside each other
};

// Templates that may call each other, with the functions they may call. Copying is cheap: parsed
// templates and the table of functions are shared. A missing key is the zero value of its map (Go's
// missingkey=zero).
// Threads: any for const methods.
class TemplateSet {
 public:
  // Go's built-in functions and these; of equal names the last wins. The rows must outlive the set.
  explicit TemplateSet(std::span<const FunctionRow> functions);

  // Adds the text under the name, and what it defines. A template replaces one of the same name,
  // unless it is empty. bad_data with Go's text (`template: NAME:LINE: ...`); nothing is added
  // then.
  Result<void> Parse(std::string_view name, std::string_view text);
  [[nodiscard]] bool Has(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> Names() const;

  // The text of the template, expanded with `data` as dot. execution with Go's text
  // (`template: NAME:LINE:COLUMN: executing "NAME" at <...>: ...`); not_found for a name that is
  // not there; timeout when it runs too long. With `cut` (not null) coming to a limit is no error
  // (see IsLimitError()): the text is what was written until then, and *cut is set.
  Result<std::string> Execute(std::string_view name, const Value& data,
                              const Environment& environment, const Limits& limits = {},
                              bool* cut = nullptr) const;

  // The same as html/template does it: what actions print is escaped for the place it stands in.
  // html_context.h says which places there are; in others it is an error.
  Result<std::string> ExecuteHtml(std::string_view name, const Value& data,
                                  const Environment& environment, const Limits& limits = {},
                                  bool* cut = nullptr) const;

 private:
  [[nodiscard]] const FunctionRow* FindFunction(std::string_view name) const;

  std::shared_ptr<const std::vector<FunctionRow>> functions_;  // by name; shared by copies
  Definitions definitions_;
};

// An expansion cost more than its limits of bytes, steps or time allow: nothing is wrong with the
// template, there is too much data for it.
bool IsLimitError(const Error& error);

}  // namespace vigil::tmpl
