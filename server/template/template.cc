// SPDX-License-Identifier: Apache-2.0
// The set: functions sorted once, definitions shared between copies.
#include "server/template/template.h"

#include <algorithm>

#include "server/template/evaluator.h"
#include "server/template/html_rewrite.h"
#include "server/template/parser.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

Error NoTemplate(std::string_view name) {
  return NotFound("template: no template " + QuoteText(name) +
                  " is defined; check the name and the template files");
}

}  // namespace

TemplateSet::TemplateSet(std::span<const FunctionRow> functions) {
  std::vector<FunctionRow> table;
  for (const std::span<const FunctionRow> rows : {BuiltinFunctions(), functions}) {
    for (const FunctionRow& row : rows) {
      const auto place = std::lower_bound(
          table.begin(), table.end(), row.name,
          [](const FunctionRow& a, std::string_view name) { return a.name < name; });
      if (place != table.end() && place->name == row.name) {
        *place = row;
      } else {
        table.insert(place, row);
      }
    }
  }
  functions_ = std::make_shared<const std::vector<FunctionRow>>(std::move(table));
}

const FunctionRow* TemplateSet::FindFunction(std::string_view name) const {
  for (const FunctionRow& row : *functions_) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

Result<void> TemplateSet::Parse(std::string_view name, std::string_view text) {
  ParseOptions options;
  options.has_function = [this](std::string_view function) {
    return FindFunction(function) != nullptr;
  };
  Definitions parsed = TRY(ParseTemplates(name, text, options));
  for (auto& [key, definition] : parsed) {
    DefinitionPtr& slot = definitions_[key];
    if (slot == nullptr || !definition->IsEmpty()) slot = std::move(definition);
  }
  return Ok();
}

bool TemplateSet::Has(std::string_view name) const {
  return definitions_.find(name) != definitions_.end();
}

std::vector<std::string> TemplateSet::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : definitions_) names.push_back(entry.first);
  return names;
}

Result<std::string> TemplateSet::Execute(std::string_view name, const Value& data,
                                         const Environment& environment, const Limits& limits,
                                         bool* cut) const {
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return NoTemplate(name);
  return Evaluator(definitions_, *functions_, environment, limits).Run(*found->second, data, cut);
}

Result<std::string> TemplateSet::ExecuteHtml(std::string_view name, const Value& data,
                                             const Environment& environment, const Limits& limits,
                                             bool* cut) const {
  if (!Has(name)) return NoTemplate(name);
  const EscapedTemplates escaped = TRY(EscapeTemplates(definitions_, name));
  const auto found = escaped.definitions.find(escaped.entry);
  return Evaluator(escaped.definitions, *functions_, environment, limits)
      .Run(*found->second, data, cut);
}

// By their words, since functions that know no limits of expansions make such errors, too.
bool IsLimitError(const Error& error) {
  const auto says = [&error](std::string_view words) {
    return error.message.find(words) != std::string::npos;
  };
  return says(" bytes; shorten ") || says("the template takes more than ") ||
         says("the template runs longer than ");
}

}  // namespace vigil::tmpl
