// SPDX-License-Identifier: Apache-2.0
// The templates of notifications: the built-in ones, those of the `templates` files over them, and
// the texts of receivers, which call them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/base/time_zone.h"
#include "server/template/template.h"

namespace vigil::notify {

// Threads: any.
class Templates {
 public:
  // All receivers share a thread: a text that computes for seconds would hold up the others.
  static constexpr int64_t kMaxRunMs = 5'000;

  // Reads the files of the globs in their order; a glob that matches nothing is fine. The error
  // names file and line. The clock must outlive the object.
  static Result<std::shared_ptr<const Templates>> Load(const std::vector<std::string>& globs,
                                                       std::string external_url,
                                                       const Clock& clock = Clock::System());

  // Expands a text of the configuration; an empty text is an empty text. Errors are Go's. With
  // `cut` (not null) a text beyond the limits is what was made of it until then, and *cut is set.
  Result<std::string> Text(std::string_view text, const tmpl::Value& dot, bool* cut = nullptr,
                           int64_t max_run_ms = kMaxRunMs) const;
  // What actions print is escaped for the place in HTML where it stands.
  Result<std::string> Html(std::string_view text, const tmpl::Value& dot, bool* cut = nullptr,
                           int64_t max_run_ms = kMaxRunMs) const;

  [[nodiscard]] const std::string& external_url() const { return external_url_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  using SetPtr = std::shared_ptr<const tmpl::TemplateSet>;

  Templates(tmpl::TemplateSet set, std::string external_url, const Clock& clock);
  Result<SetPtr> WithText(std::string_view text) const;
  [[nodiscard]] tmpl::Environment World() const;

  const tmpl::TemplateSet set_;
  const std::string external_url_;
  const Clock& clock_;
  const std::shared_ptr<const TimeZone> local_zone_;  // null: UTC
  // Texts come from the configuration again and again: parsed once, as the template "".
  mutable Guarded<std::unordered_map<std::string, SetPtr>> parsed_;
};

// Expands the texts of one message, all within the time that one text may take, and keeps the first
// error: after it all texts are empty, so that it is looked at once, at the end. Threads: owner
// thread only. `templates` and `dot` must outlive it.
class Expander {
 public:
  Expander(const Templates& templates, const tmpl::Value& dot);

  std::string Text(std::string_view text);
  std::string Html(std::string_view text);
  // For those who show the start of a text only: they get it also when the whole is beyond the
  // limits of templates. When these leave less than `bytes`, a note says that something is missing.
  std::string StartOfText(std::string_view text, size_t bytes);
  // *cut: tags may be open, the limits of templates have ended it.
  std::string StartOfHtml(std::string_view text, size_t bytes, bool* cut = nullptr);
  // The text within so many characters, or bytes (text_limits.h), however long it would be.
  std::string TextInRunes(std::string_view text, size_t runes);
  std::string TextInBytes(std::string_view text, size_t bytes);
  // The error, if there was one.
  [[nodiscard]] Result<void> Check() const;

 private:
  std::string Take(Result<std::string> text);
  std::string TakeStart(Result<std::string> text, bool cut, size_t bytes);

  [[nodiscard]] int64_t LeftMs() const;

  const Templates& templates_;
  const tmpl::Value& dot_;
  const Clock& clock_;
  const int64_t deadline_ns_;
  std::optional<Error> error_;
};

}  // namespace vigil::notify
