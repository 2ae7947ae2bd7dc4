// SPDX-License-Identifier: Apache-2.0
// Rows of the `otlp` section.
#include <array>
#include <set>

#include "client-lib/base/strings.h"
#include "server/config/codecs.h"
#include "server/config/field_tables.h"
#include "server/config/validate.h"
#include "server/config/words.h"

namespace vigil::config {
namespace {

using O = OtlpConfig;

// Of a setting that is on unless the file says no: shown when it is off.
struct OnUnlessCodec : BoolCodec {
  static bool IsZero(bool value) { return value; }
};
struct StrategyCodec : WordCodec<kTranslationStrategies> {
  static bool IsZero(const std::string& value) { return value == kTranslationStrategies[0]; }
};

constexpr std::array kOtlpRows = {
    Row<&O::promote_all_resource_attributes, BoolCodec>("promote_all_resource_attributes",
                                                        "all attributes of resources are labels"),
    Row<&O::promote_resource_attributes, StringListCodec>("promote_resource_attributes",
                                                          "attributes of resources to be labels"),
    Row<&O::ignore_resource_attributes, StringListCodec>("ignore_resource_attributes",
                                                         "what `all` leaves out"),
    Row<&O::translation_strategy, StrategyCodec>("translation_strategy",
                                                 "how names of metrics and labels are made"),
    Row<&O::keep_identifying_resource_attributes, BoolCodec>(
        "keep_identifying_resource_attributes", "target_info has service.name and the like"),
    Row<&O::convert_histograms_to_nhcb, BoolCodec>(
        "convert_histograms_to_nhcb", "histograms become native ones with custom buckets"),
    Row<&O::promote_scope_metadata, BoolCodec>("promote_scope_metadata",
                                               "otel_scope_name and the like are labels"),
    Row<&O::label_name_underscore_sanitization, OnUnlessCodec>(
        "label_name_underscore_sanitization", "key stands before names that begin with _"),
    Row<&O::label_name_preserve_multiple_underscores, OnUnlessCodec>(
        "label_name_preserve_multiple_underscores", "a__b is not made a_b"),
};

// Without blanks around them; the same or none twice is a mistake.
Result<void> CleanAttributes(const Reader& reader, const YamlNode& node, std::string_view key,
                             std::string_view what, std::vector<std::string>* attributes) {
  std::set<std::string> seen;
  const auto fail = [&](const std::string& problem) -> Result<void> {
    return reader.FailHere(node, "invalid '" + std::string(key) + "': " + problem);
  };
  for (std::string& attribute : *attributes) {
    attribute = std::string(TrimSpace(attribute));
    if (attribute.empty()) return fail("empty " + std::string(what) + " OTel resource attribute");
    if (!seen.insert(attribute).second) {
      return fail("duplicated " + std::string(what) + " OTel resource attribute " +
                  Quote(attribute));
    }
  }
  return Ok();
}

}  // namespace

Result<void> FinishOtlp(const Reader& reader, const YamlNode& node, OtlpConfig* otlp) {
  if (!otlp->promote_all_resource_attributes) {
    if (!otlp->ignore_resource_attributes.empty()) {
      return reader.FailHere(node,
                             "'ignore_resource_attributes' cannot be configured unless "
                             "'promote_all_resource_attributes' is true");
    }
    return CleanAttributes(reader, node, "promote_resource_attributes", "promoted",
                           &otlp->promote_resource_attributes);
  }
  if (!otlp->promote_resource_attributes.empty()) {
    return reader.FailHere(node,
                           "'promote_all_resource_attributes' and 'promote_resource_attributes' "
                           "cannot be configured simultaneously");
  }
  return CleanAttributes(reader, node, "ignore_resource_attributes", "ignored",
                         &otlp->ignore_resource_attributes);
}

template <>
std::span<const Field<OtlpConfig>> FieldsOf<OtlpConfig>() {
  return kOtlpRows;
}

}  // namespace vigil::config
