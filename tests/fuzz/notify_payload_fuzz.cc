// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to payloads of receivers: as the configuration's value (the first line) and as what
// an alert says (the rest).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/config/yaml_node.h"
#include "server/notify/any_value.h"
#include "server/notify/text_limits.h"
#include "server/template/alert_data.h"
#include "server/template/json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  using namespace vigil;
  const std::string_view bytes(reinterpret_cast<const char*>(input), size);
  const size_t line = std::min(bytes.find('\n'), bytes.size());
  const std::string_view said = bytes.substr(std::min(line + 1, bytes.size()));
  static const auto kTemplates = notify::Templates::Load({}, "http://x.example").value();

  const notify::Truncated cut = notify::TruncateInBytes(said, 20);
  CHECK(cut.text.size() <= 20);
  CHECK(cut.cut == (said.size() > 20));

  const auto value = config::ParseYaml(bytes.substr(0, line), "payload");
  if (!value || *value == nullptr || (*value)->expanded_size > 10'000) return 0;
  tmpl::Notification data;
  data.common_annotations["said"] = std::string(said);
  const tmpl::Value dot = tmpl::NotificationValue(data);
  notify::Expander texts(*kTemplates, dot);
  const tmpl::Value payload = notify::ExpandAny(*value, &texts);
  if (texts.Check()) static_cast<void>(tmpl::ToJson(payload, 1 << 20).has_value());
  return 0;
}
