// SPDX-License-Identifier: Apache-2.0
// Whole-file reads and writes with errors that name the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil {

// The whole file. /proc and /sys files (size 0) are read to their end. not_found or internal.
Result<std::string> ReadFile(const std::string& path);

// The same into a buffer whose capacity is reused; the buffer is replaced, not appended to.
Result<void> ReadFileInto(const std::string& path, std::string* out);

// Temp file beside it, fsync, rename: readers see the old or the new text, never a part.
Result<void> WriteFileAtomically(const std::string& path, std::string_view text);

bool FileExists(const std::string& path);
bool DirectoryExists(const std::string& path);

// Creates the directory and its parents when missing.
Result<void> MakeDirectories(const std::string& path);

// Names (not paths) in the directory, sorted, without "." and "..".
Result<std::vector<std::string>> ListDirectory(const std::string& path);

// "a/b.yml" relative to the directory of "/etc/x/prometheus.yml" is "/etc/x/a/b.yml"; an absolute
// path stays.
std::string ResolvePath(const std::string& base_dir, const std::string& path);
std::string DirName(const std::string& path);

}  // namespace vigil
