// SPDX-License-Identifier: Apache-2.0
#include "server/discovery/file.h"

#include <glob.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/config/loader.h"
#include "server/discovery/static.h"

namespace vigil::discovery {
namespace {

constexpr std::string_view kFilePathLabel = "__meta_filepath";

std::set<std::string> ExpandGlob(const std::string& pattern) {
  glob_t found{};
  std::set<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.insert(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

class FileProvider : public Provider {
 public:
  explicit FileProvider(config::FileSdConfig config) : config_(std::move(config)) { Watch(); }
  ~FileProvider() override {
    if (inotify_fd_ >= 0) close(inotify_fd_);
  }
  FileProvider(const FileProvider&) = delete;
  FileProvider& operator=(const FileProvider&) = delete;

  int64_t Step(int64_t now_ns, GroupSink& sink) override {
    // Without inotify only the interval tells of changes.
    bool notified = Drain();
    if (notified || now_ns >= next_refresh_ns_) {
      Refresh(sink);
      next_refresh_ns_ = now_ns + config_.refresh_interval * 1'000'000;
    }
    return next_refresh_ns_;
  }
  [[nodiscard]] int wake_fd() const override { return inotify_fd_; }

 private:
  struct KnownFile {
    std::string text;     // of the last read, good or bad
    size_t groups = 0;    // of the last good one
    bool failed = false;  // the last read was logged as a failure
  };

  void Watch();
  bool Drain();
  void Refresh(GroupSink& sink);
  void ReadOne(const std::string& path, GroupSink& sink);
  void Emit(const std::string& path, const std::vector<config::StaticConfig>& entries,
            KnownFile* known, GroupSink& sink);
  static void Forget(const std::string& path, size_t from, size_t to, GroupSink& sink);

  const config::FileSdConfig config_;
  int inotify_fd_ = -1;
  int64_t next_refresh_ns_ = 0;
  std::map<std::string, KnownFile> files_;
};

// Directories are watched, not files: editors and deployments replace files by rename.
void FileProvider::Watch() {
  inotify_fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_fd_ < 0) return;
  for (const std::string& pattern : config_.files) {
    // Not IN_CREATE: a file just created is still empty.
    inotify_add_watch(inotify_fd_, DirName(pattern).c_str(),
                      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
  }
}

bool FileProvider::Drain() {
  bool any = false;
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (inotify_fd_ >= 0 && read(inotify_fd_, buffer.data(), buffer.size()) > 0) any = true;
  return any;
}

void FileProvider::Refresh(GroupSink& sink) {
  std::set<std::string> paths;
  for (const std::string& pattern : config_.files) paths.merge(ExpandGlob(pattern));
  for (auto it = files_.begin(); it != files_.end();) {
    if (paths.count(it->first) != 0) {
      ++it;
      continue;
    }
    Forget(it->first, 0, it->second.groups, sink);
    it = files_.erase(it);
  }
  for (const std::string& path : paths) ReadOne(path, sink);
}

void FileProvider::ReadOne(const std::string& path, GroupSink& sink) {
  KnownFile& known = files_[path];
  auto fail = [&](std::string_view reason) {
    if (!known.failed) {
      log::Error("discovery", "cannot read target file: its last good targets stay",
                 {{"file", path}, {"err", std::string(reason)}});
    }
    known.failed = true;
  };
  auto text = ReadFile(path);
  if (!text) {
    known.text.clear();
    return fail(text.error().message);
  }
  bool first = known.text.empty() && known.groups == 0;
  if (!first && *text == known.text) return;
  if (*text != known.text) known.failed = false;  // a new text may fail with a new reason
  known.text = *text;
  if (path.ends_with("json") && TrimSpace(*text).empty()) return fail("the file is empty");
  auto entries = config::ParseTargetGroups(*text, path);
  if (!entries) return fail(entries.error().message);
  known.failed = false;
  Emit(path, *entries, &known, sink);
}

void FileProvider::Emit(const std::string& path, const std::vector<config::StaticConfig>& entries,
                        KnownFile* known, GroupSink& sink) {
  for (size_t i = 0; i < entries.size(); ++i) {
    TargetGroup group = ToGroup(entries[i], path + ":" + std::to_string(i));
    group.labels = LabelsBuilder(group.labels).Set(kFilePathLabel, path).Build();
    sink.Update(std::move(group));
  }
  Forget(path, entries.size(), known->groups, sink);
  known->groups = entries.size();
}

void FileProvider::Forget(const std::string& path, size_t from, size_t to, GroupSink& sink) {
  for (size_t i = from; i < to; ++i) {
    TargetGroup gone;
    gone.source = path + ":" + std::to_string(i);
    sink.Update(std::move(gone));
  }
}

}  // namespace

std::vector<NamedProvider> CreateFile(const config::ScrapeConfig& job) {
  std::vector<NamedProvider> out;
  for (const config::FileSdConfig& block : job.file_sd_configs) {
    std::string fingerprint = "file\n" + FormatDuration(block.refresh_interval);
    for (const std::string& path : block.files) fingerprint += "\n" + path;
    out.push_back({std::move(fingerprint), std::make_unique<FileProvider>(block)});
  }
  return out;
}

}  // namespace vigil::discovery
