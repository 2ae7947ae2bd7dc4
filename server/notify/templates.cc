// SPDX-License-Identifier: Apache-2.0
#include "server/notify/templates.h"

#include <glob.h>

#include <algorithm>

#include "client-lib/base/files.h"
#include "server/notify/default_templates.h"
#include "server/notify/text_limits.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxParsedTexts = 1024;

constexpr size_t kMaxRuneBytes = 4;

// Behind a text that the limits of templates have cut short of what would be shown of it.
constexpr std::string_view kLeftOut =
    "\n[the rest is left out: it is beyond the limits of templates]";

std::vector<std::string> FilesOf(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
  return files;
}

// UTC when the machine does not say.
std::shared_ptr<const TimeZone> LocalZone() {
  auto zone = TimeZone::Local();
  return zone ? std::move(zone).value() : nullptr;
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<std::shared_ptr<const Templates>> Templates::Load(const std::vector<std::string>& globs,
                                                         std::string external_url,
                                                         const Clock& clock) {
  tmpl::TemplateSet set(tmpl::AlertmanagerFunctions());
  for (const DefaultTemplates& file : BuiltInTemplates()) TRY(set.Parse(file.name, file.text));
  for (const std::string& glob : globs) {
    for (const std::string& path : FilesOf(glob)) {
      const std::string text = TRY_CONTEXT(ReadFile(path), "reading a template file");
      TRY_CONTEXT(set.Parse(BaseName(path), text), path);
    }
  }
  return std::shared_ptr<const Templates>(
      new Templates(std::move(set), std::move(external_url), clock));
}

Templates::Templates(tmpl::TemplateSet set, std::string external_url, const Clock& clock)
    : set_(std::move(set)),
      external_url_(std::move(external_url)),
      clock_(clock),
      local_zone_(LocalZone()) {}

tmpl::Environment Templates::World() const {
  tmpl::Environment world;
  world.external_url = external_url_;
  world.now_ms = clock_.Now();
  world.clock = &clock_;
  world.local_zone = local_zone_;
  return world;
}

Result<Templates::SetPtr> Templates::WithText(std::string_view text) const {
  const std::string key(text);
  SetPtr known = parsed_.With([&](const auto& parsed) {
    const auto found = parsed.find(key);
    return found == parsed.end() ? nullptr : found->second;
  });
  if (known != nullptr) return known;
  auto set = std::make_shared<tmpl::TemplateSet>(set_);
  TRY(set->Parse("", text));
  parsed_.With([&](auto& parsed) {
    if (parsed.size() < kMaxParsedTexts) parsed.emplace(key, set);
  });
  return SetPtr(std::move(set));
}

Result<std::string> Templates::Text(std::string_view text, const tmpl::Value& dot, bool* cut,
                                    int64_t max_run_ms) const {
  if (text.empty()) return std::string();
  if (text.find("{{") == std::string_view::npos) return std::string(text);
  const SetPtr set = TRY(WithText(text));
  return set->Execute("", dot, World(), {.max_run_ms = max_run_ms}, cut);
}

Result<std::string> Templates::Html(std::string_view text, const tmpl::Value& dot, bool* cut,
                                    int64_t max_run_ms) const {
  if (text.empty()) return std::string();
  const SetPtr set = TRY(WithText(text));
  return set->ExecuteHtml("", dot, World(), {.max_run_ms = max_run_ms}, cut);
}

Expander::Expander(const Templates& templates, const tmpl::Value& dot)
    : templates_(templates),
      dot_(dot),
      clock_(templates.clock()),
      deadline_ns_(clock_.MonotonicNs() + Templates::kMaxRunMs * 1'000'000) {}

int64_t Expander::LeftMs() const {
  return std::max<int64_t>((deadline_ns_ - clock_.MonotonicNs() + 999'999) / 1'000'000, 1);
}

std::string Expander::Take(Result<std::string> text) {
  if (text) return std::move(text).value();
  error_ = std::move(text).error();
  return {};
}

std::string Expander::Text(std::string_view text) {
  if (error_) return {};
  return Take(templates_.Text(text, dot_, nullptr, LeftMs()));
}

std::string Expander::Html(std::string_view text) {
  if (error_) return {};
  return Take(templates_.Html(text, dot_, nullptr, LeftMs()));
}

std::string Expander::TakeStart(Result<std::string> text, bool cut, size_t bytes) {
  std::string start = Take(std::move(text));
  if (cut && start.size() < bytes) start += kLeftOut;
  return start;
}

std::string Expander::StartOfText(std::string_view text, size_t bytes) {
  if (error_) return {};
  bool cut = false;
  auto expanded = templates_.Text(text, dot_, &cut, LeftMs());
  return TakeStart(std::move(expanded), cut, bytes);
}

std::string Expander::StartOfHtml(std::string_view text, size_t bytes, bool* cut) {
  if (error_) return {};
  bool limited = false;
  auto expanded = templates_.Html(text, dot_, &limited, LeftMs());
  if (cut != nullptr) *cut = limited;
  return TakeStart(std::move(expanded), limited, bytes);
}

std::string Expander::TextInRunes(std::string_view text, size_t runes) {
  return TruncateInRunes(StartOfText(text, kMaxRuneBytes * (runes + 1)), runes).text;
}

std::string Expander::TextInBytes(std::string_view text, size_t bytes) {
  return TruncateInBytes(StartOfText(text, bytes + 1), bytes).text;
}

Result<void> Expander::Check() const {
  if (error_) return *error_;
  return Ok();
}

}  // namespace vigil::notify
