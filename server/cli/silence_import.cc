// SPDX-License-Identifier: Apache-2.0
// `vigilctl silence import`: silences from the JSON of `silence query -o json`.
#include <atomic>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <thread>

#include "client-lib/base/files.h"
#include "client-lib/base/mutex.h"
#include "server/cli/silence.h"
#include "server/cli/silence_body.h"

namespace vigil::cli {
namespace {

struct SilenceImport {
  bool force = false;
  int64_t workers = 8;
  std::vector<std::string> files;
};

constexpr std::string_view kNoJson = "couldn't unmarshal input data, is it JSON?";

Result<JsonValue> ReadSilences(const SilenceImport& import) {
  if (import.files.size() > 1) return BadData("unexpected " + import.files[1]);
  std::string text;
  if (import.files.empty()) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    text = TRY(ReadFile(import.files[0]));
  }
  JsonValue silences = TRY_CONTEXT(ParseJson(text), kNoJson);
  if (silences.kind != JsonValue::Kind::kArray) {
    return BadData("not a list of silences").Prefixed(kNoJson);
  }
  return silences;
}

// The id that the silence has then. One that the server does not know is made anew.
Result<std::string> ImportOne(const AlertmanagerClient& client, JsonValue silence, bool force) {
  if (force) SetText(&silence, "id", "");
  Result<JsonValue> answer = client.Post("/silences", PostableSilence(silence));
  if (!answer && answer.error().kind == ErrorKind::kNotFound && !silence["id"].text.empty()) {
    SetText(&silence, "id", "");
    answer = client.Post("/silences", PostableSilence(silence));
  }
  if (!answer) return answer.error();
  return (*answer)["silenceID"].text;
}

Result<void> ImportSilences(const AlertmanagerFlags& common, const SilenceImport& import) {
  const JsonValue silences = TRY(ReadSilences(import));
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  std::atomic<size_t> next{0};
  std::atomic<size_t> failed{0};
  Mutex print;
  const auto work = [&] {
    for (size_t i = next++; i < silences.items.size(); i = next++) {
      const JsonValue& silence = silences.items[i];
      const Result<std::string> id = ImportOne(client, silence, import.force);
      const MutexLock lock(print);
      if (id) {
        std::printf("%s\n", id->c_str());
        continue;
      }
      ++failed;
      std::fprintf(stderr, "Error adding silence id='%s': %s\n", silence["id"].text.c_str(),
                   id.error().message.c_str());
    }
  };
  std::vector<std::thread> workers;
  const auto count = static_cast<size_t>(std::max<int64_t>(import.workers, 1));
  for (size_t i = 1; i < std::min(count, silences.items.size()); ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  if (failed == 0) return Ok();
  return BadData("couldn't import " + std::to_string(failed) + " out of " +
                 std::to_string(silences.items.size()) + " silences");
}

}  // namespace

int RunSilenceImport(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  SilenceImport import;
  toolkit::FlagSet flags("vigilctl silence import",
                         "Import silences from the JSON of `silence query -o json`, from a file or "
                         "the standard input.");
  common.AddTo(&flags);
  flags.Bool("force", "Add new silences even if they exist already.", &import.force).Short('f');
  flags.Int("worker", "Number of concurrent workers.", &import.workers).Short('w');
  flags.Arguments("input-file", "JSON file with silences.", &import.files);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(ImportSilences(common, import));
}

}  // namespace vigil::cli
