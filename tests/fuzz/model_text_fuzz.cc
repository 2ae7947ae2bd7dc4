// SPDX-License-Identifier: Apache-2.0
// The small readers of the model and base rooms on any text: no crash, and what they accept they
// print so that it reads back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/matcher.h"
#include "client-lib/model/relabel.h"
#include "client-lib/model/sample.h"

namespace {

using namespace vigil;  // NOLINT(google-build-using-namespace)

bool SameNumber(double a, double b) { return SameBits(a, b) || (a != a && b != b); }

void CheckFloats(std::string_view text) {
  bool overflow = false;
  const std::optional<double> value = ParseFloat(text, &overflow);
  const std::optional<double> exposition = ParseExpositionFloat(text);
  if (exposition) {
    CHECK(value && !overflow && SameNumber(*value, *exposition));
  }
  if (!value) return;
  for (const std::string& printed : {FormatFloatF(*value), FormatFloatG(*value),
                                     FormatFloatE(*value), FormatFloatJson(*value)}) {
    CHECK(SameNumber(*ParseFloat(printed), *value));
  }
}

void CheckDurations(std::string_view text) {
  if (const auto duration = ParseDuration(text)) {
    CHECK(*ParseDuration(FormatDuration(*duration)) == *duration);
  }
  if (const auto duration = ParseGoDuration(text)) {
    CHECK(*ParseGoDuration(FormatGoDuration(*duration)) == *duration);
  }
  if (const auto time = ParseApiTime(text)) FormatRfc3339(*time);
  static_cast<void>(ParseByteSize(text).has_value());
}

void CheckCodings(std::string_view text) {
  CHECK(*Base64Decode(Base64Encode(text)) == text);
  static_cast<void>(Base64Decode(text).has_value());
  static_cast<void>(PercentDecode(text, true).has_value());
  CHECK(IsValidUtf8(Quote(text)));
}

// The first line is the expression, the second the text, the rest the replacement.
void CheckRegexp(std::string_view text) {
  const size_t first = std::min(text.find('\n'), text.size());
  const std::string_view pattern = text.substr(0, first);
  if (pattern.size() > 64) return;
  const std::string_view rest = first < text.size() ? text.substr(first + 1) : "";
  const size_t second = std::min(rest.find('\n'), rest.size());
  const std::string_view subject = rest.substr(0, second);
  const std::string_view replacement = second < rest.size() ? rest.substr(second + 1) : "";
  const Result<Regexp> regexp = Regexp::Compile(pattern);
  if (!regexp) return;
  std::string out;
  const bool expanded = regexp->Expand(subject, replacement, &out);
  // RE2 does not let a dot take bytes that are not UTF-8; the shortcuts do.
  if (IsValidUtf8(subject)) CHECK(expanded == regexp->Matches(subject));
  RelabelFields fields;
  fields.source_labels = {"a"};
  fields.regex = std::string(pattern);
  fields.target_label = "b";
  fields.replacement = std::string(replacement);
  LabelsBuilder labels;
  labels.Set("a", subject);
  if (const auto rule = RelabelRule::Create(fields)) rule->Apply(&labels);
  static_cast<void>(labels.Build());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckFloats(text);
  CheckDurations(text);
  CheckCodings(text);
  CheckRegexp(text);
  return 0;
}
