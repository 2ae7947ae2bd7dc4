// SPDX-License-Identifier: Apache-2.0
#include "server/cli/rule_test_file.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/sample.h"
#include "server/config/codecs.h"
#include "server/config/reader.h"
#include "server/config/yaml_node.h"

namespace vigil::config {

template <>
std::span<const Field<cli::InputSeries>> FieldsOf<cli::InputSeries>();
template <>
std::span<const Field<cli::ExpectedAlert>> FieldsOf<cli::ExpectedAlert>();
template <>
std::span<const Field<cli::AlertCase>> FieldsOf<cli::AlertCase>();
template <>
std::span<const Field<cli::ExpectedSample>> FieldsOf<cli::ExpectedSample>();
template <>
std::span<const Field<cli::ExprCase>> FieldsOf<cli::ExprCase>();
template <>
std::span<const Field<cli::RuleTest>> FieldsOf<cli::RuleTest>();
template <>
std::span<const Field<cli::RuleTestFile>> FieldsOf<cli::RuleTestFile>();

}  // namespace vigil::config

namespace vigil::cli {
namespace {

using config::Field;
using config::Reader;
using config::Row;
using config::StringCodec;
using config::YamlNode;

// Tests are read, never written.
template <typename T>
struct ReadOnlyCodec {
  static void Write(std::string_view /*name*/, const T& /*value*/, config::YamlWriter* /*writer*/) {
  }
  static bool IsZero(const T& /*value*/) { return true; }
};

// A number as YAML has it: .inf and .nan, hexadecimal, underscores; a text in quotes is none.
struct YamlNumberCodec : ReadOnlyCodec<double> {
  static std::optional<double> Parse(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    const std::string lower = AsciiLower(text);
    if (lower == ".nan") return NormalNaN();
    if (lower == ".inf" || lower == "+.inf") return std::numeric_limits<double>::infinity();
    if (lower == "-.inf") return -std::numeric_limits<double>::infinity();
    const bool sign = lower.starts_with('-') || lower.starts_with('+');
    const std::string_view digits = std::string_view(lower).substr(sign ? 1 : 0);
    if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
      return std::nullopt;
    }
    if (digits.starts_with("0x")) return ParseFloat(lower + "p0");
    return ParseFloat(lower);
  }
  static Result<void> Read(Reader& reader, const YamlNode& node, double* out) {
    const bool scalar = node.kind == YamlNode::Kind::kScalar && !node.quoted;
    const std::optional<double> value = scalar ? Parse(node.text) : std::nullopt;
    if (!value) return reader.FailHere(node, "expected a number");
    *out = *value;
    return Ok();
  }
};

struct TextsCodec : ReadOnlyCodec<LabelTexts> {
  static Result<void> Read(Reader& reader, const YamlNode& node, LabelTexts* out) {
    TRY(ExpectMap(reader, node));
    for (const auto& [key, value] : node.entries) {
      Reader::Scope scope(&reader, key->text);
      std::string text;
      if (value->kind != YamlNode::Kind::kNull) TRY(StringCodec::Read(reader, *value, &text));
      out->insert_or_assign(key->text, std::move(text));
    }
    return Ok();
  }
};

struct StartTimeCodec : ReadOnlyCodec<TimestampMs> {
  static Result<void> Read(Reader& reader, const YamlNode& node, TimestampMs* out) {
    std::string text;
    TRY(StringCodec::Read(reader, node, &text));
    const Result<int64_t> time = ParseApiTime(text);
    if (!time) return reader.FailHere(node, time.error().message);
    *out = *time;
    return Ok();
  }
};

template <typename T>
struct ListCodec : ReadOnlyCodec<std::vector<T>> {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<T>* out) {
    return config::StructListCodec<T>::Read(reader, node, out);
  }
};

constexpr std::array kInputRows = {
    Row<&InputSeries::series, StringCodec>("series", "a metric with its labels"),
    Row<&InputSeries::values, StringCodec>("values", "its samples"),
};
constexpr std::array kExpectedAlertRows = {
    Row<&ExpectedAlert::labels, TextsCodec>("exp_labels", "without alertname"),
    Row<&ExpectedAlert::annotations, TextsCodec>("exp_annotations", "expanded"),
};
constexpr std::array kAlertCaseRows = {
    Row<&AlertCase::eval_time, config::DurationCodec>("eval_time", "since the start"),
    Row<&AlertCase::alertname, StringCodec>("alertname", "the rule"),
    Row<&AlertCase::alerts, ListCodec<ExpectedAlert>>("exp_alerts", "which fire then"),
};
constexpr std::array kExpectedSampleRows = {
    Row<&ExpectedSample::labels, StringCodec>("labels", "a metric with its labels"),
    Row<&ExpectedSample::value, YamlNumberCodec>("value", "its value"),
    Row<&ExpectedSample::histogram, StringCodec>("histogram", "or its histogram"),
};
constexpr std::array kExprCaseRows = {
    Row<&ExprCase::expr, StringCodec>("expr", "PromQL"),
    Row<&ExprCase::eval_time, config::DurationCodec>("eval_time", "since the start"),
    Row<&ExprCase::samples, ListCodec<ExpectedSample>>("exp_samples", "what it gives"),
};
constexpr std::array kTestRows = {
    Row<&RuleTest::name, StringCodec>("name", "for messages and --run"),
    Row<&RuleTest::interval, config::DurationCodec>("interval", "of the input series"),
    Row<&RuleTest::start, StartTimeCodec>("start_timestamp", "when the test begins"),
    Row<&RuleTest::input_series, ListCodec<InputSeries>>("input_series", "what is scraped"),
    Row<&RuleTest::alert_cases, ListCodec<AlertCase>>("alert_rule_test", "which alerts fire"),
    Row<&RuleTest::expr_cases, ListCodec<ExprCase>>("promql_expr_test", "what queries give"),
    Row<&RuleTest::external_labels, TextsCodec>("external_labels", "for templates"),
    Row<&RuleTest::external_url, StringCodec>("external_url", "for templates"),
};
constexpr std::array kFileRows = {
    Row<&RuleTestFile::rule_files, config::StringListCodec>("rule_files", "what is tested"),
    Row<&RuleTestFile::evaluation_interval, config::DurationCodec>("evaluation_interval",
                                                                   "of the rules"),
    Row<&RuleTestFile::group_eval_order, config::StringListCodec>("group_eval_order",
                                                                  "names of groups"),
    Row<&RuleTestFile::fuzzy_compare, config::BoolCodec>("fuzzy_compare",
                                                         "neighbouring doubles are equal"),
    Row<&RuleTestFile::tests, ListCodec<RuleTest>>("tests", "one store each"),
};

}  // namespace

DurationMs RuleTest::Length() const {
  DurationMs length = 0;
  for (const AlertCase& one : alert_cases) length = std::max(length, one.eval_time);
  for (const ExprCase& one : expr_cases) length = std::max(length, one.eval_time);
  return length;
}

Result<RuleTestFile> ParseRuleTests(std::string_view text, const std::string& filename,
                                    bool ignore_unknown_fields) {
  const config::YamlPtr root = TRY(config::ParseYaml(text, filename));
  RuleTestFile out;
  Reader reader(filename, DirName(filename));
  if (ignore_unknown_fields) reader.IgnoreUnknownFields();
  if (root->kind != YamlNode::Kind::kNull) TRY(config::ReadStruct(reader, *root, &out));
  return out;
}

}  // namespace vigil::cli

namespace vigil::config {

template <>
std::span<const Field<cli::InputSeries>> FieldsOf<cli::InputSeries>() {
  return cli::kInputRows;
}
template <>
std::span<const Field<cli::ExpectedAlert>> FieldsOf<cli::ExpectedAlert>() {
  return cli::kExpectedAlertRows;
}
template <>
std::span<const Field<cli::AlertCase>> FieldsOf<cli::AlertCase>() {
  return cli::kAlertCaseRows;
}
template <>
std::span<const Field<cli::ExpectedSample>> FieldsOf<cli::ExpectedSample>() {
  return cli::kExpectedSampleRows;
}
template <>
std::span<const Field<cli::ExprCase>> FieldsOf<cli::ExprCase>() {
  return cli::kExprCaseRows;
}
template <>
std::span<const Field<cli::RuleTest>> FieldsOf<cli::RuleTest>() {
  return cli::kTestRows;
}
template <>
std::span<const Field<cli::RuleTestFile>> FieldsOf<cli::RuleTestFile>() {
  return cli::kFileRows;
}

}  // namespace vigil::config
