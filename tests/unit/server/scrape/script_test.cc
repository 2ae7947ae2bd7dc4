// SPDX-License-Identifier: Apache-2.0
// Runs tests/scripts/scrape: jobs, pages, and the samples that come of them.
//   job: a key of the job as YAML (any number of lines)
//   group: {labels of the target group}
//   reports: also show up, scrape_*
//   requests: also show what is asked
//   token: N X         what http://auth/ answers: status and body, in turn, the last one again
//   token: fails X     it cannot be reached
//   zeros: as with --enable-feature=created-timestamp-zero-ingestion
//   scrape:            a scrape that answers 200 with the lines that follow as `| line`
//   scrape: no newline the same without the newline of the last line
//   scrape: type X     the same with the Content-Type X
//   scrape: status N   answers N
//   scrape: fails X    the transfer fails with X
// Of each scrape come: its number with up or the error, then the samples, then native histograms.
#include <gtest/gtest.h>

#include "client-lib/model/histogram_text.h"
#include "tests/support/scrape_rig.h"
#include "tests/support/script_cases.h"

namespace vigil::scrape {
namespace {

using testing_support::FakeAsyncClient;
using testing_support::ScrapeRig;
using testing_support::ScriptCase;

struct Step {
  std::string how;
  std::string page;
};

struct Case {
  std::vector<std::string> job;
  Labels group;
  bool reports = false;
  bool zeros = false;
  bool requests = false;
  std::vector<std::string> tokens;
  std::vector<Step> steps;
};

Labels ParseLabels(const std::string& text) {
  auto groups = config::ParseTargetGroups("- labels: " + text, "group.yml");
  EXPECT_TRUE(groups) << groups.error().message;
  return groups->at(0).labels;
}

Case Parse(const ScriptCase& script) {
  Case out;
  for (const std::string& line : script.input) {
    if (line.starts_with("job: ")) {
      out.job.push_back(line.substr(5));
    } else if (line.starts_with("group: ")) {
      out.group = ParseLabels(line.substr(7));
    } else if (line == "reports:") {
      out.reports = true;
    } else if (line == "requests:") {
      out.requests = true;
    } else if (line.starts_with("token: ")) {
      out.tokens.push_back(line.substr(7));
    } else if (line == "zeros:") {
      out.zeros = true;
    } else if (line.starts_with("scrape:")) {
      out.steps.push_back({std::string(TrimSpace(line.substr(7))), ""});
    } else if (line.starts_with("|")) {
      out.steps.back().page += line.size() > 2 ? line.substr(2) : "";
      out.steps.back().page += "\n";
    } else {
      ADD_FAILURE() << script.line << ": unknown line: " << line;
    }
  }
  return out;
}

FakeAsyncClient::Answer AnswerOf(const Step& step) {
  if (step.how.starts_with("fails ")) return FakeAsyncClient::Fail(Unavailable(step.how.substr(6)));
  if (step.how.starts_with("status ")) {
    int status = std::stoi(step.how.substr(7));
    return [=](const http::ClientRequest&) -> Result<http::ClientResponse> {
      http::ClientResponse response;
      response.status = status;
      return response;
    };
  }
  if (step.how.starts_with("type")) {
    return FakeAsyncClient::Page(step.page, std::string(TrimSpace(step.how.substr(4))));
  }
  std::string page = step.page;
  if (step.how == "no newline") page.pop_back();
  return FakeAsyncClient::Page(page);
}

Result<http::ClientResponse> TokenAnswer(const std::string& line) {
  if (line.starts_with("fails ")) return Unavailable(line.substr(6));
  http::ClientResponse response;
  response.status = std::stoi(line.substr(0, 3));
  response.body = line.substr(4);
  return response;
}

std::string Shown(const http::ClientRequest& request) {
  const http::ClientOptions& options = *request.options;
  std::string out = request.method + " " + request.url;
  if (!options.authorization.empty()) out += " " + options.authorization;
  if (!options.basic_auth_username.empty()) {
    out += " " + options.basic_auth_username + ":" + options.basic_auth_password;
  }
  return request.body.empty() ? out : out + " " + request.body;
}

std::vector<std::string> RunCase(const ScriptCase& script) {
  Case one = Parse(script);
  ScrapeRig rig(one.zeros);
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob(one.job), "host:1", one.group);
  rig.SetTargets({target});
  std::vector<std::string> out;
  size_t tokens = 0;
  for (size_t i = 0; i < one.steps.size(); ++i) {
    const size_t asked = rig.client->started.size();
    const FakeAsyncClient::Answer page = AnswerOf(one.steps[i]);
    const auto answer = [&](const http::ClientRequest& request) {
      if (!request.url.starts_with("http://auth/")) return page(request);
      return TokenAnswer(one.tokens.at(std::min(tokens++, one.tokens.size() - 1)));
    };
    size_t before = rig.appender.rows.size();
    size_t histograms = rig.appender.histograms.size();
    TimestampMs time = rig.Scrape(target, answer);
    TargetStatus::Values status = target.status->Get();
    std::string verdict(TargetHealthName(status.health));
    if (!status.last_error.empty()) verdict += ": " + status.last_error;
    // A case is lines.
    std::replace(verdict.begin(), verdict.end(), '\n', '|');
    out.push_back(std::to_string(i + 1) + " " + verdict);
    for (size_t j = asked; one.requests && j < rig.client->started.size(); ++j) {
      out.push_back("  " + Shown(rig.client->started[j]));
    }
    for (std::string& row : rig.Rows(before, time, one.reports)) out.push_back("  " + row);
    for (; histograms < rig.appender.histograms.size(); ++histograms) {
      const auto& [labels, sample] = rig.appender.histograms[histograms];
      std::string row = "  " + labels.ToMetricString() + " " + HistogramTestText(*sample.histogram);
      if (sample.timestamp != time) row += " @" + std::to_string(sample.timestamp);
      out.push_back(row);
    }
  }
  return out;
}

TEST(ScrapeScripts, GiveTheSamplesWritten) { testing_support::RunScripts("scrape", RunCase); }

}  // namespace
}  // namespace vigil::scrape
