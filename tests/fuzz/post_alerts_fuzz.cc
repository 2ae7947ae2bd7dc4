// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the reader of posted alerts. What it takes must be sorted labels without empty
// values, UTF-8 throughout, and times that can be written and read again; and what the strict
// reader of JSON takes is JSON for the reader of documents, too.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/json_reader.h"
#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "server/web/alerting_bodies.h"
#include "server/web/alerts_scan.h"
#include "server/web/date_time.h"

namespace {

void CheckLabels(const vigil::Labels& labels) {
  std::string_view before;
  for (const vigil::LabelView label : labels) {
    CHECK(label.name > before || before.empty());
    CHECK(!label.value.empty());
    CHECK(vigil::IsValidUtf8(label.name) && vigil::IsValidUtf8(label.value));
    before = label.name;
  }
}

void CheckTime(vigil::TimestampMs time) {
  std::string text;
  vigil::web::AppendDateTime(time, &text);
  const auto again = vigil::web::ParseDateTime(text);
  // An offset may lead out of the years 0 to 9999.
  if (text.size() == 24 && time >= -62'167'219'200'000 && time < 253'402'300'800'000) {
    CHECK(again.has_value() && *again == time);
  }
}

// The views that alerting looks alerts up by say the same as the copies.
void CheckViews(std::string_view text, const std::vector<vigil::alerting::PostedAlert>& alerts) {
  vigil::web::AlertsBody body;
  if (body.Read(text)) return;
  CHECK(body.reports().size() == alerts.size());
  for (size_t i = 0; i < alerts.size(); ++i) {
    const vigil::alerting::AlertReport& report = body.reports()[i];
    const std::vector<vigil::LabelView> labels(report.labels.begin(), report.labels.end());
    const std::vector<vigil::LabelView> notes(report.annotations.begin(), report.annotations.end());
    CHECK(vigil::Labels::Of(labels) == alerts[i].labels);
    CHECK(vigil::Labels::Of(notes) == alerts[i].annotations);
    CHECK(vigil::alerting::Fingerprint(report.labels) ==
          vigil::alerting::Fingerprint(alerts[i].labels));
  }
}

// What the scan finds without reading is what is read, and equal texts say the same.
void CheckScan(std::string_view text, const std::vector<vigil::alerting::PostedAlert>& alerts) {
  vigil::web::AlertsScan scan(1);
  vigil::web::AlertsBody body;
  if (!scan.Read(text) || body.Read(text, scan.texts())) return;
  CHECK(scan.texts().size() == alerts.size());
  for (size_t i = 0; i < alerts.size(); ++i) {
    const vigil::alerting::AlertText& one = scan.texts()[i];
    CHECK(one.starts_at == alerts[i].starts_at && one.ends_at == alerts[i].ends_at);
    CHECK(one.key == body.reports()[i].text);
    if (i == 0 || !(one.key == scan.texts()[i - 1].key)) continue;
    CHECK(alerts[i].labels == alerts[i - 1].labels);
    CHECK(alerts[i].annotations == alerts[i - 1].annotations);
    CHECK(alerts[i].generator_url == alerts[i - 1].generator_url);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(input), size);
  std::vector<vigil::alerting::PostedAlert> alerts;
  if (!vigil::web::ReadAlertsBody(body, &alerts)) {
    for (const auto& alert : alerts) {
      CheckLabels(alert.labels);
      CheckLabels(alert.annotations);
      CHECK(vigil::IsValidUtf8(alert.generator_url));
      if (alert.starts_at) CheckTime(*alert.starts_at);
      if (alert.ends_at) CheckTime(*alert.ends_at);
    }
  }
  CheckViews(body, alerts);
  CheckScan(body, alerts);
  vigil::JsonReader json(body);
  json.Skip();
  if (json.failed() || !json.AtEnd()) return 0;
  const auto document = vigil::ParseJson(body);
  CHECK(document.has_value() ||
        document.error().message.find("too many levels") != std::string::npos);
  return 0;
}
