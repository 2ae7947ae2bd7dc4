// SPDX-License-Identifier: Apache-2.0
// The bodies that clients post to Alertmanager's API: alerts and silences.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/alerting/alert.h"
#include "server/alerting/silence.h"

namespace vigil::web {

// Why a body was refused before anything was done with it: {"code":602,"message":"..."}.
struct BodyProblem {
  int status = 400;
  int code = 400;
  std::string message;
};

// Of one request: three bytes can be an alert.
inline constexpr size_t kMaxPostedAlerts = 1'000'000;

// An array of alerts as views. Unknown members are left out; of equal names the last one counts.
// More than kMaxPostedAlerts are a problem.
class AlertsBody {
 public:
  AlertsBody() = default;
  AlertsBody(const AlertsBody&) = delete;
  AlertsBody& operator=(const AlertsBody&) = delete;

  // Once. The text must outlive the object. texts: of an AlertsScan that read the body.
  std::optional<BodyProblem> Read(std::string_view body,
                                  std::span<const alerting::AlertText> texts = {});
  // Valid as long as the object. None when there was a problem.
  [[nodiscard]] const std::vector<alerting::AlertReport>& reports() const { return reports_; }

 private:
  std::vector<alerting::AlertReport> reports_;
  std::vector<LabelView> pairs_;  // of all reports
  std::deque<std::string> decoded_;
};

// The same as copies.
std::optional<BodyProblem> ReadAlertsBody(std::string_view body,
                                          std::vector<alerting::PostedAlert>* alerts);

// Matchers are not compiled yet: what is wrong with them is not the body's shape.
struct PostedMatcher {
  std::string name;
  std::string value;
  bool is_regex = false;
  bool is_equal = true;
};
struct PostedSilence {
  std::string id;
  std::vector<PostedMatcher> matchers;
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;
  std::string created_by;
  std::string comment;
  alerting::StringMap annotations;
};
std::optional<BodyProblem> ReadSilenceBody(std::string_view body, PostedSilence* silence);

// bad_data in upstream's words.
Result<alerting::Silence> MakeSilence(PostedSilence posted);

}  // namespace vigil::web
