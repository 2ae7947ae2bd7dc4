// SPDX-License-Identifier: Apache-2.0
// Expands templates for comparison with the programs that have the language from its source: reads
// {set, mode, prelude, data, queries, files, templates: [{name, text}]} from stdin and prints a
// JSON list of {output} or {error}.
#include <iostream>
#include <iterator>

#include "server/template/json_text.h"
#include "server/template/template.h"
#include "tests/support/template_data.h"

namespace vigil {
namespace {

using tmpl::Kind;
using tmpl::Value;

std::string RenderTextAt(const Value& map, std::string_view key) {
  const Value value = map.map().Get(key);
  return value.kind() == Kind::kString ? value.string_value() : "";
}

// queries: {"expression": [{"labels": {...}, "value": 1}]}
tmpl::Environment RenderEnvironment(const Value& request) {
  tmpl::Environment environment;
  environment.external_url = RenderTextAt(request, "external_url");
  const Value now = request.map().Get("now_ms");
  if (now.kind() == Kind::kInt) environment.now_ms = now.int_value();
  const Value queries = request.map().Get("queries");
  environment.query =
      [queries](std::string_view expression) -> Result<std::vector<tmpl::QuerySample>> {
    std::vector<tmpl::QuerySample> samples;
    const Value found = queries.IsNil() ? Value() : queries.map().Get(expression);
    if (found.kind() != Kind::kList) return BadData("no such query: " + std::string(expression));
    for (const Value& item : found.list().items) {
      std::vector<LabelView> labels;
      const Value map = item.map().Get("labels");
      for (const auto& [name, value] : map.map().entries) {
        labels.push_back({name, value.string_value()});
      }
      samples.push_back({Labels::Of(labels), item.map().Get("value").float_value(), ""});
    }
    return samples;
  };
  return environment;
}

Value RenderOne(const Value& request, const Value& one, const tmpl::Environment& environment) {
  const bool prometheus = RenderTextAt(request, "set") == "prometheus";
  tmpl::TemplateSet set(prometheus ? tmpl::PrometheusFunctions() : tmpl::AlertmanagerFunctions());
  const Value files = request.map().Get("files");
  const std::string name = RenderTextAt(one, "name");
  const auto render = [&]() -> Result<std::string> {
    if (files.kind() == Kind::kList) {
      for (const Value& file : files.list().items) {
        TRY(set.Parse("file", file.string_value()));
      }
    }
    TRY(set.Parse(name, RenderTextAt(request, "prelude") + RenderTextAt(one, "text")));
    const Value data = request.map().Get("data");
    return RenderTextAt(request, "mode") == "html" ? set.ExecuteHtml(name, data, environment)
                                                   : set.Execute(name, data, environment);
  };
  const Result<std::string> text = render();
  return Value::AnyMap(
      {{text ? "output" : "error", Value::String(text ? *text : text.error().message)}});
}

int RenderAll() {
  const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  const Result<Value> request = testing_support::ParseTemplateData(input);
  if (!request || request->kind() != Kind::kMap) {
    std::cerr << "template-render: " << (request ? "not a map" : request.error().message) << "\n";
    return 1;
  }
  const tmpl::Environment environment = RenderEnvironment(*request);
  std::vector<Value> results;
  const Value templates = request->map().Get("templates");
  for (const Value& one : templates.list().items) {
    results.push_back(RenderOne(*request, one, environment));
  }
  const Result<std::string> json = tmpl::ToJson(Value::Anys(std::move(results)), size_t{1} << 26);
  if (!json) {
    std::cerr << "template-render: " << json.error().message << "\n";
    return 1;
  }
  std::cout << *json << "\n";
  return 0;
}

}  // namespace
}  // namespace vigil

int main() { return vigil::RenderAll(); }
