// SPDX-License-Identifier: Apache-2.0
#include "server/template/template.h"

#include <gtest/gtest.h>

#include "client-lib/base/strings.h"
#include "server/template/alert_data.h"
#include "tests/support/script_cases.h"
#include "tests/support/template_data.h"

namespace vigil::tmpl {
namespace {

constexpr int64_t kScriptNowMs = 1'704'164'645'000;  // 2024-01-02T03:04:05Z

Result<std::vector<QuerySample>> ScriptQuery(std::string_view expression) {
  if (expression == "broken") return ExecutionError("the query is broken");
  if (expression == "none") return std::vector<QuerySample>();
  return std::vector<QuerySample>{
      {Labels::Of({{"__name__", "up"}, {"instance", "b:9100"}, {"job", "x"}}), 2, ""},
      {Labels::Of({{"__name__", "up"}, {"instance", "a:9100"}, {"job", "x"}}), 1.5, "text"}};
}

struct ScriptSetup {
  std::string data = "null";
  std::string text;
  bool html = false;
  bool alertmanager = false;
  bool cut = false;
  Limits limits;
};

// Lines of a case: data:, set: alertmanager, mode: html, mode: cut, limit: NAME=N, and the
// template.
ScriptSetup ReadSetup(const testing_support::ScriptCase& one) {
  ScriptSetup setup;
  bool any = false;
  for (const std::string& line : one.input) {
    if (line.starts_with("data: ")) {
      setup.data = line.substr(6);
    } else if (line == "set: alertmanager") {
      setup.alertmanager = true;
    } else if (line == "mode: html") {
      setup.html = true;
    } else if (line == "mode: cut") {
      setup.cut = true;
    } else if (line.starts_with("limit: ")) {
      const size_t equals = line.find('=');
      const std::string name = line.substr(7, equals - 7);
      const uint64_t number = ParseUint(line.substr(equals + 1)).value_or(0);
      if (name == "output") setup.limits.max_output_bytes = number;
      if (name == "steps") setup.limits.max_steps = number;
      if (name == "depth") setup.limits.max_depth = number;
    } else {
      if (std::exchange(any, true)) setup.text += '\n';
      setup.text += line;
    }
  }
  return setup;
}

Result<std::string> ExpandSetup(const ScriptSetup& setup) {
  TemplateSet set(setup.alertmanager ? AlertmanagerFunctions() : PrometheusFunctions());
  const Value data = TRY_CONTEXT(testing_support::ParseTemplateData(setup.data), "data");
  TRY(set.Parse("t", setup.text));
  const ManualClock clock(kScriptNowMs);
  Environment environment;
  environment.query = ScriptQuery;
  environment.path_prefix = "/prom";
  environment.external_url = "http://example.org/prom";
  environment.now_ms = kScriptNowMs;
  environment.clock = &clock;
  bool cut = false;
  bool* const may_cut = setup.cut ? &cut : nullptr;
  Result<std::string> text = setup.html
                                 ? set.ExecuteHtml("t", data, environment, setup.limits, may_cut)
                                 : set.Execute("t", data, environment, setup.limits, may_cut);
  if (cut) *text += "[cut]";
  return text;
}

TEST(Template, Scripts) {
  testing_support::RunScripts("template", [](const testing_support::ScriptCase& one) {
    const Result<std::string> text = ExpandSetup(ReadSetup(one));
    std::vector<std::string> lines;
    if (!text) {
      lines.push_back("error: " + text.error().message);
      return lines;
    }
    for (const std::string_view line : Split(*text, '\n')) lines.emplace_back(line);
    return lines;
  });
}

TEST(Template, LaterDefinitionsReplaceEarlierOnesUnlessEmpty) {
  TemplateSet set(AlertmanagerFunctions());
  ASSERT_TRUE(set.Parse("a.tmpl", R"({{define "x"}}first{{end}})"));
  ASSERT_TRUE(set.Parse("b.tmpl", R"({{define "x"}}second{{end}}{{define "y"}}why{{end}})"));
  ASSERT_TRUE(set.Parse("c.tmpl", R"({{define "y"}} {{end}})"));
  ASSERT_TRUE(set.Parse("call", R"({{template "x"}} {{template "y"}})"));
  EXPECT_EQ("second why", *set.Execute("call", {}, {}));
  EXPECT_EQ((std::vector<std::string>{"a.tmpl", "b.tmpl", "c.tmpl", "call", "x", "y"}),
            set.Names());
}

TEST(Template, ACopyOfASetIsIndependent) {
  TemplateSet set(AlertmanagerFunctions());
  ASSERT_TRUE(set.Parse("a", "one"));
  TemplateSet copy = set;
  ASSERT_TRUE(copy.Parse("a", "two"));
  EXPECT_EQ("one", *set.Execute("a", {}, {}));
  EXPECT_EQ("two", *copy.Execute("a", {}, {}));
}

TEST(Template, AnErrorInATextAddsNothing) {
  TemplateSet set(AlertmanagerFunctions());
  const Result<void> parsed = set.Parse("a", R"({{define "x"}}ok{{end}}{{if}})");
  ASSERT_FALSE(parsed);
  EXPECT_EQ("template: a:1: missing value for if", parsed.error().message);
  EXPECT_FALSE(set.Has("x"));
  EXPECT_EQ(ErrorKind::kNotFound, set.Execute("x", {}, {}).error().kind);
}

// Each look at this clock takes a second.
class HurryingClock : public Clock {
 public:
  [[nodiscard]] TimestampMs Now() const override { return 0; }
  [[nodiscard]] int64_t MonotonicNs() const override { return looks_++ * 1'000'000'000; }

 private:
  mutable int64_t looks_ = 0;
};

TEST(Template, StopsAtTheDeadline) {
  TemplateSet set(PrometheusFunctions());
  ASSERT_TRUE(set.Parse("t", "{{range 1000000}}{{end}}"));
  const HurryingClock clock;
  Environment environment;
  environment.clock = &clock;
  const Result<std::string> text = set.Execute("t", {}, environment);
  ASSERT_FALSE(text);
  EXPECT_EQ(ErrorKind::kTimeout, text.error().kind);
  EXPECT_EQ(
      "template: t:1:8: executing \"t\" at <{{range 1000000}}{{end}}>: the template runs "
      "longer than 10000 ms; simplify it or give it less data",
      text.error().message);
}

TEST(Template, EveryFunctionIsNamedInAScript) {
  const std::string dir = std::string(VIGIL_SOURCE_DIR) + "/tests/scripts/template";
  std::string all;
  const Result<std::vector<std::string>> names = ListDirectory(dir);
  ASSERT_TRUE(names);
  for (const std::string& name : *names) all += *ReadFile(ResolvePath(dir, name));
  for (const auto& rows : {BuiltinFunctions(), PrometheusFunctions(), AlertmanagerFunctions()}) {
    for (const FunctionRow& row : rows) {
      EXPECT_NE(std::string::npos, all.find(std::string(row.name))) << row.name;
    }
  }
}

}  // namespace
}  // namespace vigil::tmpl
