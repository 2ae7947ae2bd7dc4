// SPDX-License-Identifier: Apache-2.0
#include "exporters/toolkit/flags.h"

#include <gtest/gtest.h>

namespace vigil::toolkit {
namespace {

class FlagsTest : public testing::Test {
 protected:
  FlagsTest() : flags_("prog", "Does things.") {
    flags_.SetVersion("prog, version 1");
    flags_.String("config.file", "Configuration file path.", &file_);
    flags_.Strings("web.listen-address", "Addresses.", &addresses_);
    flags_.Bool("collector.cpu", "Enable cpu.", &cpu_);
    flags_.Int("web.max-requests", "Maximum.", &requests_);
    flags_.Float("ratio", "Ratio.", &ratio_);
    flags_.Duration("query.timeout", "Timeout.", &timeout_ms_);
    flags_.Bytes("size", "Size.", &size_);
    flags_.Enum("log.level", "Level.", {"debug", "info"}, &level_);
    flags_.String("hidden", "Hidden.", &hidden_).Hidden();
    flags_.String("web.external-url", "The URL.", &url_).Placeholder("<URL>");
  }
  std::string Error(const std::vector<std::string>& args) {
    const auto result = flags_.Parse(args);
    return result ? "" : result.error().message;
  }

  std::string file_ = "a.yml", level_ = "info", hidden_, url_;
  std::vector<std::string> addresses_ = {":9100"};
  bool cpu_ = true;
  int64_t requests_ = 40, timeout_ms_ = 120'000;
  double ratio_ = 0.5;
  uint64_t size_ = 0;
  FlagSet flags_;
};

TEST_F(FlagsTest, DefaultsStayWithoutArguments) {
  EXPECT_EQ(flags_.Parse({}).value(), FlagSet::Outcome::kRun);
  EXPECT_EQ(file_, "a.yml");
  EXPECT_FALSE(flags_.WasGiven("config.file"));
}

TEST_F(FlagsTest, TakesEqualSignAndNextWord) {
  EXPECT_EQ(Error({"--config.file=b.yml", "--web.max-requests", "-1", "--no-collector.cpu",
                   "--query.timeout=1h30m", "--size", "1KB", "--ratio=1e3", "--log.level=debug"}),
            "");
  EXPECT_EQ(file_, "b.yml");
  EXPECT_EQ(requests_, -1);
  EXPECT_FALSE(cpu_);
  EXPECT_EQ(timeout_ms_, 5'400'000);
  EXPECT_EQ(size_, 1024u);
  EXPECT_EQ(ratio_, 1000);
  EXPECT_EQ(level_, "debug");
  EXPECT_TRUE(flags_.WasGiven("collector.cpu"));
}

TEST_F(FlagsTest, EmptyValuesAreValues) {
  EXPECT_EQ(Error({"--config.file="}), "");
  EXPECT_EQ(file_, "");
  EXPECT_EQ(Error({"--hidden", ""}), "");
}

TEST_F(FlagsTest, ValuesMayHoldEqualSignsAndBlanks) {
  EXPECT_EQ(Error({"--config.file=a=b c"}), "");
  EXPECT_EQ(file_, "a=b c");
}

TEST_F(FlagsTest, RepeatedFlagsReplaceTheDefaults) {
  EXPECT_EQ(Error({"--web.listen-address=:1", "--web.listen-address", ":2"}), "");
  EXPECT_EQ(addresses_, (std::vector<std::string>{":1", ":2"}));
}

TEST_F(FlagsTest, ErrorsAreUpstreams) {
  EXPECT_EQ(Error({"--foo"}), "unknown long flag '--foo'");
  EXPECT_EQ(Error({"--foo=1"}), "unknown long flag '--foo'");
  EXPECT_EQ(Error({"--config"}), "unknown long flag '--config'");
  EXPECT_EQ(Error({"-x"}), "unknown short flag '-x'");
  EXPECT_EQ(Error({"--config.file"}), "expected argument for flag '--config.file'");
  EXPECT_EQ(Error({"--collector.cpu=true"}), "unexpected true");
  EXPECT_EQ(Error({"extra"}), "unexpected extra");
  EXPECT_EQ(Error({"--no-config.file"}), "unknown long flag '--no-config.file'");
}

TEST_F(FlagsTest, BadValuesNameTheFlag) {
  EXPECT_EQ(Error({"--web.max-requests=x"}),
            "flag '--web.max-requests': expected a whole number, got \"x\"");
  EXPECT_EQ(Error({"--ratio=x"}), "flag '--ratio': expected a number, got \"x\"");
  EXPECT_EQ(Error({"--query.timeout=x"}),
            "flag '--query.timeout': not a valid duration string: \"x\"");
  EXPECT_EQ(Error({"--log.level=x"}),
            "flag '--log.level': enum value must be one of debug,info, got 'x'");
}

TEST_F(FlagsTest, OnlyRepeatableFlagsRepeat) {
  EXPECT_EQ(Error({"--config.file=a", "--config.file=b"}), "flag 'config.file' cannot be repeated");
  EXPECT_EQ(Error({"--collector.cpu", "--no-collector.cpu"}),
            "flag 'collector.cpu' cannot be repeated");
}

TEST_F(FlagsTest, HelpAndVersionWinOverTheRest) {
  EXPECT_EQ(flags_.Parse({"--help"}).value(), FlagSet::Outcome::kHelp);
  EXPECT_EQ(flags_.Parse({"-h"}).value(), FlagSet::Outcome::kHelp);
  EXPECT_EQ(flags_.Parse({"--version", "--log.level=x"}).value(), FlagSet::Outcome::kVersion);
}

TEST_F(FlagsTest, ArgumentsAreTakenWhenDeclared) {
  std::vector<std::string> files;
  flags_.Arguments("file", "Files to check.", &files);
  EXPECT_EQ(Error({"a", "--config.file=x", "--", "--b"}), "");
  EXPECT_EQ(files, (std::vector<std::string>{"a", "--b"}));
}

TEST_F(FlagsTest, HelpShowsDefaultsAndNoHiddenFlags) {
  EXPECT_EQ(flags_.HelpText(),
            "usage: prog [<flags>]\n\nDoes things.\n\nFlags:\n"
            "  -h, --help                   Show this help.\n"
            "      --version                Show the version.\n"
            "      --config.file=\"a.yml\"    Configuration file path.\n"
            "      --web.listen-address=:9100 ...\n"
            "                               Addresses.\n"
            "      --[no-]collector.cpu     Enable cpu.\n"
            "      --web.max-requests=40    Maximum.\n"
            "      --ratio=0.5              Ratio.\n"
            "      --query.timeout=2m       Timeout.\n"
            "      --size=0B                Size.\n"
            "      --log.level=info         Level. One of: [debug, info]\n"
            "      --web.external-url=<URL>\n"
            "                               The URL.\n");
}

TEST_F(FlagsTest, ValuesListsEveryFlagAsText) {
  ASSERT_EQ(Error({"--no-collector.cpu", "--web.listen-address=:1", "--web.listen-address=:2"}),
            "");
  const auto values = flags_.Values();
  ASSERT_EQ(values.size(), 10u);
  EXPECT_EQ(values[0], (std::pair<std::string, std::string>("collector.cpu", "false")));
  EXPECT_EQ(values[4].second, "2m");
  EXPECT_EQ(values[8], (std::pair<std::string, std::string>("web.listen-address", ":1,:2")));
}

TEST(WebFlags, PrefixComesFromTheExternalUrl) {
  WebFlags flags(":1");
  flags.external_url = "https://host:1/prometheus/x/";
  ASSERT_TRUE(flags.Normalise());
  EXPECT_EQ(flags.route_prefix, "/prometheus/x");
  flags.route_prefix = "/";
  flags.external_url = "https://host";
  ASSERT_TRUE(flags.Normalise());
  EXPECT_EQ(flags.route_prefix, "");
  flags.external_url = "host/path";
  EXPECT_FALSE(flags.Normalise());
}

TEST(WebFlags, SystemdSocketIsRefusedClearly) {
  WebFlags flags(":1");
  flags.systemd_socket = true;
  EXPECT_NE(flags.Normalise().error().message.find("not supported"), std::string::npos);
}

}  // namespace
}  // namespace vigil::toolkit
