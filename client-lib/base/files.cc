// SPDX-License-Identifier: Apache-2.0
// Whole-file reads and writes on POSIX calls.
#include "client-lib/base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>

namespace vigil {
namespace {

// Closes on the way out; Close() reports what close(2) says.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  bool Close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

// "open /x/y: no such file or directory"
Error FileError(std::string_view what, const std::string& path, int code) {
  std::string reason = std::generic_category().message(code);
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  }
  std::string message(what);
  message.append(" ").append(path).append(": ").append(reason);
  const bool missing = code == ENOENT || code == ENOTDIR;
  return missing ? NotFound(std::move(message)) : Internal(std::move(message));
}

Descriptor Open(const std::string& path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return Descriptor(fd);
}

// The size is a hint only: /proc and /sys report 0 or a page, growing files lie.
size_t SizeHint(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) return 0;
  return static_cast<size_t>(info.st_size);
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Makes the rename itself durable. File systems that cannot sync a directory are let be.
void SyncDirectory(const std::string& dir) {
  Descriptor fd = Open(dir, O_RDONLY | O_DIRECTORY);
  if (fd.valid()) ::fsync(fd.get());
}

std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  return path + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(++counter);
}

Result<void> WriteSynced(const std::string& path, std::string_view text) {
  Descriptor fd = Open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!fd.valid()) return FileError("create", path, errno);
  if (!WriteAll(fd.get(), text)) return FileError("write", path, errno);
  if (::fsync(fd.get()) != 0) return FileError("sync", path, errno);
  if (!fd.Close()) return FileError("close", path, errno);
  return Ok();
}

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  std::string text;
  TRY(ReadFileInto(path, &text));
  return text;
}

Result<void> ReadFileInto(const std::string& path, std::string* out) {
  constexpr size_t kStep = 4096;
  Descriptor fd = Open(path, O_RDONLY);
  if (!fd.valid()) return FileError("open", path, errno);
  // One byte more than the size lets the last read see the end without growing the buffer.
  out->resize(std::max({SizeHint(fd.get()) + 1, out->capacity(), kStep}));
  size_t filled = 0;
  for (;;) {
    if (filled == out->size()) out->resize(out->size() * 2);
    const ssize_t n = ::read(fd.get(), out->data() + filled, out->size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int code = errno;
      out->clear();
      return FileError("read", path, code);
    }
    if (n == 0) break;
    filled += static_cast<size_t>(n);
  }
  out->resize(filled);
  return Ok();
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view text) {
  const std::string temporary = TemporaryName(path);
  if (Result<void> written = WriteSynced(temporary, text); !written) {
    ::unlink(temporary.c_str());
    return std::move(written).error();
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    return FileError("rename " + temporary + " to", path, code);
  }
  SyncDirectory(DirName(path));
  return Ok();
}

bool FileExists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

bool DirectoryExists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<void> MakeDirectories(const std::string& path) {
  if (path.empty() || DirectoryExists(path)) return Ok();
  TRY(MakeDirectories(DirName(path)));
  // Another process may have been faster.
  if (::mkdir(path.c_str(), 0755) != 0 && !DirectoryExists(path)) {
    return FileError("create directory", path, errno);
  }
  return Ok();
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return FileError("open directory", path, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int code = errno;
  ::closedir(dir);
  if (code != 0) return FileError("read directory", path, code);
  std::sort(names.begin(), names.end());
  return names;
}

std::string ResolvePath(const std::string& base_dir, const std::string& path) {
  if (path.empty() || path[0] == '/' || base_dir.empty()) return path;
  return base_dir.back() == '/' ? base_dir + path : base_dir + "/" + path;
}

std::string DirName(const std::string& path) {
  size_t end = path.size();
  while (end > 1 && path[end - 1] == '/') --end;
  const size_t slash = path.find_last_of('/', end == 0 ? 0 : end - 1);
  if (slash == std::string::npos || end == 0) return ".";
  size_t dir_end = slash;
  while (dir_end > 1 && path[dir_end - 1] == '/') --dir_end;
  return dir_end == 0 ? "/" : path.substr(0, dir_end);
}

}  // namespace vigil
