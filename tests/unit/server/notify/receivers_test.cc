// SPDX-License-Identifier: Apache-2.0
// Runs tests/scripts/notify: whole requests of receivers, and what they make of answers. A case is
// a block of a receiver's configuration and directives:
//   @top TEXT           in front of the route, e.g. templates: [...]
//   @file NAME TEXT     a file in $DIR
//   @alerts A B         "firing" or "resolved" for each of the group's two alerts
//   @label NAME VALUE   a further label of the first alert; VALUE*N repeats
//   @reason NAME        first, new, all_resolved, some_resolved, repeat
//   @answer CODE TYPE BODY   what the service answers to the next request; the last to all others
//   @header NAME VALUE  of the answer before
//   @error KIND TEXT    no answer: timeout or unavailable
//   @wait MS            later
//   @quiet              of requests, only method and URL are shown
//   @send               a further message of the group, with the notes of the one before
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "tests/support/script_cases.h"
#include "tests/unit/server/notify/notify_rig.h"

namespace vigil::notify {
namespace {

using testing_support::ScriptCase;

// The first word; the rest stays.
std::string TakeWord(std::string* text) {
  const size_t end = std::min(text->find(' '), text->size());
  std::string word = text->substr(0, end);
  text->erase(0, std::min(end + 1, text->size()));
  return word;
}

std::string ReplaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// What is repeated for long is written once: xyxyxy... as xy{600}.
std::string Squeeze(const std::string& text) {
  constexpr size_t kMaxUnit = 12;
  constexpr size_t kMinRun = 60;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t unit = 0;
    size_t times = 0;
    for (size_t size = 1; size <= kMaxUnit && unit == 0; ++size) {
      times = 1;
      while (at + (times + 1) * size <= text.size() &&
             text.compare(at + times * size, size, text, at, size) == 0) {
        ++times;
      }
      if (times * size >= kMinRun) unit = size;
    }
    if (unit == 0) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, unit) + "{" + std::to_string(times) + "}";
    at += unit * times;
  }
  return out;
}

class ReceiverCase {
 public:
  explicit ReceiverCase(const ScriptCase& script) {
    std::string pattern = ::testing::TempDir() + "vigil_notify_XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    for (const std::string& line : script.input) Read(ReplaceAll(line, "$DIR", dir_));
  }
  ReceiverCase(const ReceiverCase&) = delete;
  ReceiverCase& operator=(const ReceiverCase&) = delete;
  ~ReceiverCase() { std::filesystem::remove_all(dir_); }

  std::vector<std::string> Run() {
    rig_.Configure(block_, top_);
    Send();
    for (const int64_t wait : later_) {
      rig_.clock.Advance(wait);
      Send();
    }
    return std::move(out_);
  }

 private:
  void Read(std::string line) {
    if (line.empty() || line[0] != '@') {
      if (block_.empty()) type_ = line.substr(0, line.find("_configs"));
      block_ += (block_.empty() ? "" : "\n  ") + line;
      return;
    }
    const std::string word = TakeWord(&line);
    if (word == "@top") {
      top_ += line + "\n";
    } else if (word == "@file") {
      const std::string name = TakeWord(&line);
      EXPECT_TRUE(WriteFileAtomically(dir_ + "/" + name, line + "\n"));
    } else if (word == "@alerts") {
      first_fires_ = TakeWord(&line) == "firing";
      second_fires_ = line == "firing";
    } else if (word == "@label") {
      const std::string name = TakeWord(&line);
      const size_t star = line.find('*');
      std::string value = line.substr(0, star);
      const size_t times =
          star == std::string::npos ? 1 : ParseUint(line.substr(star + 1)).value_or(1);
      std::string all;
      for (size_t i = 0; i < times; ++i) all += value;
      labels_.emplace_back(name, all);
    } else if (word == "@quiet") {
      quiet_ = true;
    } else if (word == "@reason") {
      reason_ = line;
    } else {
      ReadAnswer(word, std::move(line));
    }
  }

  void ReadAnswer(const std::string& word, std::string line) {
    if (word == "@answer") {
      const std::string code = TakeWord(&line);
      const std::string type = TakeWord(&line);
      rig_.Answer(static_cast<int>(ParseUint(code).value_or(0)), line, type);
    } else if (word == "@header") {
      const std::string name = TakeWord(&line);
      rig_.AnswerHeader(name, line);
    } else if (word == "@error") {
      const bool timeout = TakeWord(&line) == "timeout";
      rig_.AnswerError(timeout ? Timeout(line) : Unavailable(line));
    } else if (word == "@wait") {
      wait_ = ParseInt(line).value_or(0);
    } else if (word == "@send") {
      later_.push_back(std::exchange(wait_, 0));
    } else {
      ADD_FAILURE() << "unknown directive " << word;
    }
  }

  void Send() {
    const size_t before = rig_.requests().size();
    alerting::Outgoing message =
        NotifyRig::Group(NotifyRig::TwoAlerts(first_fires_, second_fires_, labels_), type_);
    message.deadline = rig_.clock.Now() + 300'000;
    message.receiver_data = notes_;
    using enum alerting::NotifyReason;
    if (reason_ == "new") message.reason = kNewAlerts;
    if (reason_ == "all_resolved") message.reason = kAllResolved;
    if (reason_ == "some_resolved") message.reason = kSomeResolved;
    if (reason_ == "repeat" || before > 0) message.reason = kRepeat;
    const std::optional<RigResult> result = rig_.Try(std::move(message));
    for (size_t i = before; i < rig_.requests().size(); ++i) Show(rig_.requests()[i]);
    if (!result) {
      out_.push_back("no end");
      return;
    }
    Show(*result);
    if (result->outcome.verdict == SendVerdict::kSent) notes_ = result->receiver_data;
  }

  void Show(const http::ClientRequest& request) {
    out_.push_back(request.method + " " + request.url);
    if (quiet_) return;
    for (const auto& [name, value] : request.headers.items()) {
      if (name != "User-Agent") out_.push_back(name + ": " + value);
    }
    if (!request.options->authorization.empty()) {
      out_.push_back("Authorization: " + request.options->authorization);
    }
    std::string body = request.body;
    if (body.ends_with('\n')) body.pop_back();
    if (!body.empty()) out_.push_back(Squeeze(ReplaceAll(body, "\n", "\\n")));
  }

  void Show(const RigResult& result) {
    const SendOutcome& outcome = result.outcome;
    std::string line = outcome.verdict == SendVerdict::kSent    ? "sent"
                       : outcome.verdict == SendVerdict::kRetry ? "retry"
                                                                : "final";
    if (outcome.retry_after) line += " after " + std::to_string(*outcome.retry_after) + " ms";
    if (!outcome.error.empty()) {
      line += ": " + ReplaceAll(ReplaceAll(outcome.error, "\n", "\\n"), dir_, "$DIR");
    }
    out_.push_back(line);
    for (const auto& [name, value] : result.receiver_data) {
      out_.push_back("note " + name + "=" + value);
    }
  }

  NotifyRig rig_;
  std::string dir_;
  std::string type_;
  std::string block_;
  std::string top_;
  bool first_fires_ = true;
  bool second_fires_ = true;
  std::vector<std::pair<std::string, std::string>> labels_;
  std::string reason_;
  bool quiet_ = false;
  int64_t wait_ = 0;
  std::vector<int64_t> later_;
  StringMap notes_;
  std::vector<std::string> out_;
};

TEST(Receivers, SendWhatTheScriptsSay) {
  testing_support::RunScripts("notify",
                              [](const ScriptCase& one) { return ReceiverCase(one).Run(); });
}

}  // namespace
}  // namespace vigil::notify
