// SPDX-License-Identifier: Apache-2.0
// Reads and writes of whole files.
#include "client-lib/base/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace vigil {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "vigil_files_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string dir_;
};

TEST_F(Files, ReadsBackWhatWasWritten) {
  const std::string path = dir_ + "/a";
  const std::string big(100'000, 'x');
  for (const std::string& text :
       {std::string(), std::string("one\n"), std::string(4095, 'y'), std::string(4096, 'z'), big}) {
    ASSERT_TRUE(WriteFileAtomically(path, text));
    EXPECT_EQ(*ReadFile(path), text);
  }
  EXPECT_EQ(*ListDirectory(dir_), std::vector<std::string>{"a"}) << "no temporary file stays";
}

TEST_F(Files, ReadsProcFilesOfUnknownSize) {
  EXPECT_NE(ReadFile("/proc/self/status")->find("Name:"), std::string::npos);
  EXPECT_EQ(ReadFile("/proc/self/cmdline")->find("base_test") != std::string::npos, true);
}

TEST_F(Files, ReadFileIntoReplacesAndKeepsCapacity) {
  const std::string path = dir_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, "short"));
  std::string buffer(10'000, 'q');
  const size_t capacity = buffer.capacity();
  ASSERT_TRUE(ReadFileInto(path, &buffer));
  EXPECT_EQ(buffer, "short");
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST_F(Files, MissingFileIsNotFoundAndNamed) {
  const auto read = ReadFile(dir_ + "/missing");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(read.error().message, "open " + dir_ + "/missing: no such file or directory");
  EXPECT_EQ(ReadFile(dir_).error().kind, ErrorKind::kInternal) << "a directory is no file";
}

TEST_F(Files, FailedWriteLeavesTheOldText) {
  const std::string path = dir_ + "/a";
  ASSERT_TRUE(MakeDirectories(path));
  EXPECT_FALSE(WriteFileAtomically(path, "x")) << "the target is a directory";
  EXPECT_EQ(*ListDirectory(dir_), std::vector<std::string>{"a"});
  EXPECT_FALSE(WriteFileAtomically(dir_ + "/none/b", "x"));
}

TEST_F(Files, MakesParentsOnce) {
  const std::string path = dir_ + "/x/y/z";
  EXPECT_FALSE(DirectoryExists(path));
  ASSERT_TRUE(MakeDirectories(path));
  ASSERT_TRUE(MakeDirectories(path + "/"));
  EXPECT_TRUE(DirectoryExists(path));
  EXPECT_FALSE(FileExists(path));
  ASSERT_TRUE(WriteFileAtomically(dir_ + "/f", ""));
  EXPECT_TRUE(FileExists(dir_ + "/f"));
  EXPECT_FALSE(MakeDirectories(dir_ + "/f/g"));
}

TEST_F(Files, ListsSorted) {
  for (const char* name : {"b", "a", ".c"}) ASSERT_TRUE(WriteFileAtomically(dir_ + "/" + name, ""));
  EXPECT_EQ(*ListDirectory(dir_), (std::vector<std::string>{".c", "a", "b"}));
  EXPECT_EQ(ListDirectory(dir_ + "/none").error().kind, ErrorKind::kNotFound);
}

TEST(Paths, DirName) {
  EXPECT_EQ(DirName("/etc/x/prometheus.yml"), "/etc/x");
  EXPECT_EQ(DirName("/a"), "/");
  EXPECT_EQ(DirName("/"), "/");
  EXPECT_EQ(DirName("a"), ".");
  EXPECT_EQ(DirName(""), ".");
  EXPECT_EQ(DirName("a/b/"), "a");
  EXPECT_EQ(DirName("a//b"), "a");
}

TEST(Paths, ResolveKeepsAbsolutePaths) {
  EXPECT_EQ(ResolvePath("/etc/x", "a/b.yml"), "/etc/x/a/b.yml");
  EXPECT_EQ(ResolvePath("/etc/x/", "b"), "/etc/x/b");
  EXPECT_EQ(ResolvePath("/etc/x", "/b"), "/b");
  EXPECT_EQ(ResolvePath("", "b"), "b");
  EXPECT_EQ(ResolvePath("/etc", ""), "");
}

}  // namespace
}  // namespace vigil
