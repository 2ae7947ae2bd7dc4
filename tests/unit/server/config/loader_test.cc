// SPDX-License-Identifier: Apache-2.0
// Good and bad files of tests/fixtures/config with what must come out of them.
#include "server/config/loader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/config/field_tables.h"

namespace vigil::config {
namespace {

const std::string kFixtures = std::string(VIGIL_SOURCE_DIR) + "/tests/fixtures/config/";

// Messages name files relative to the working directory, so the fixtures' directory is ours.
class ConfigFixtures : public ::testing::TestWithParam<std::string> {
 protected:
  void Enter(const std::string& folder) {
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(kFixtures + folder);
  }
  void TearDown() override {
    if (!before_.empty()) std::filesystem::current_path(before_);
  }

  // With VIGIL_REBASELINE the golden file is written anew: read the difference before keeping it.
  static void ExpectGolden(const std::string& name, const std::string& actual) {
    if (std::getenv("VIGIL_REBASELINE") != nullptr) {
      ASSERT_TRUE(WriteFileAtomically(name, actual));
      return;
    }
    auto expected = ReadFile(name);
    ASSERT_TRUE(expected) << expected.error().message;
    EXPECT_EQ(*expected, actual) << name;
  }

 private:
  std::filesystem::path before_;
};

std::vector<std::string> YamlNames(const std::string& folder) {
  std::vector<std::string> names;
  auto all = ListDirectory(kFixtures + folder);
  EXPECT_TRUE(all);
  for (const std::string& name : *all) {
    if (name.ends_with(".yml")) names.push_back(name.substr(0, name.size() - 4));
  }
  return names;
}

using GoodConfig = ConfigFixtures;
TEST_P(GoodConfig, GivesTheGoldenYaml) {
  Enter("good");
  auto config = LoadFile(GetParam() + ".yml");
  ASSERT_TRUE(config) << config.error().message;
  std::string text = ToYaml(*config);
  for (const std::string& warning : config->not_supported_yet) text += "# " + warning + "\n";
  ExpectGolden(GetParam() + ".golden", text);
}

TEST_P(GoodConfig, IsReadBackFromItsOwnYaml) {
  auto config = LoadFile(kFixtures + "good/" + GetParam() + ".yml");
  ASSERT_TRUE(config) << config.error().message;
  config->scrape_config_files.clear();  // their jobs are written with the others
  auto again = LoadText(ToYaml(*config), "again.yml");
  ASSERT_TRUE(again) << again.error().message << "\n" << ToYaml(*config);
  again->scrape_config_files.clear();
  EXPECT_EQ(ToYaml(*config), ToYaml(*again));
}

TEST_P(GoodConfig, IsGoodForPromtoolToo) {
  if (GetParam().starts_with("v3_")) GTEST_SKIP() << "newer than Debian's promtool";
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool here";
  Enter("good");
  std::string command =
      "promtool check config --syntax-only " + GetParam() + ".yml >/dev/null 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
}
INSTANTIATE_TEST_SUITE_P(Files, GoodConfig, ::testing::ValuesIn(YamlNames("good")),
                         [](const auto& one) { return one.param; });

using BadConfig = ConfigFixtures;
TEST_P(BadConfig, GivesTheGoldenError) {
  Enter("bad");
  auto config = LoadFile(GetParam() + ".yml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, ErrorKind::kBadData);
  ExpectGolden(GetParam() + ".golden", config.error().message + "\n");
}
INSTANTIATE_TEST_SUITE_P(Files, BadConfig, ::testing::ValuesIn(YamlNames("bad")),
                         [](const auto& one) { return one.param; });

// Every key appears in a good fixture, and none takes a value of a shape that it cannot have.
template <typename T>
void ExpectRowsAreTested(std::string_view table, const std::string& good_text) {
  for (const Field<T>& field : FieldsOf<T>()) {
    if (field.support == Support::kFail) continue;
    EXPECT_NE(good_text.find(field.name), std::string::npos)
        << table << ": " << field.name << " is in no good fixture";
    if (field.read == nullptr) continue;
    Reader reader("x.yml", ".");
    T out;
    auto map = ParseYaml("{zz: {zz: [[1]]}}", "x.yml");
    auto text = ParseYaml("[[a], {b: c}]", "x.yml");
    bool map_taken = field.read(reader, **map, &out).has_value();
    bool list_taken = field.read(reader, **text, &out).has_value();
    EXPECT_FALSE(map_taken && list_taken) << table << ": " << field.name;
  }
}

TEST(ConfigTables, EveryRowIsTested) {
  std::string good;
  for (const std::string& name : YamlNames("good")) {
    auto text = ReadFile(kFixtures + "good/" + name + ".yml");
    ASSERT_TRUE(text);
    good += *text;
  }
  ExpectRowsAreTested<Config>("top", good);
  ExpectRowsAreTested<GlobalConfig>("global", good);
  ExpectRowsAreTested<ScrapeConfig>("scrape_configs", good);
  ExpectRowsAreTested<BasicAuth>("basic_auth", good);
  ExpectRowsAreTested<Authorization>("authorization", good);
  ExpectRowsAreTested<OAuth2Config>("oauth2", good);
  ExpectRowsAreTested<TlsConfig>("tls_config", good);
  ExpectRowsAreTested<HttpHeader>("http_headers", good);
  ExpectRowsAreTested<StorageConfig>("storage", good);
  ExpectRowsAreTested<TsdbConfig>("tsdb", good);
  ExpectRowsAreTested<ExemplarsConfig>("exemplars", good);
  ExpectRowsAreTested<AlertingSection>("alerting", good);
  ExpectRowsAreTested<AlertmanagerConfig>("alertmanagers", good);
  ExpectRowsAreTested<Sigv4Config>("sigv4", good);
  ExpectRowsAreTested<StaticConfig>("static_configs", good);
  ExpectRowsAreTested<FileSdConfig>("file_sd_configs", good);
  ExpectRowsAreTested<RelabelFields>("relabel_configs", good);
}

TEST(ConfigTables, EveryUnsupportedDiscoveryFailsByName) {
  size_t count = 0;
  for (const Field<ScrapeConfig>& field : FieldsOf<ScrapeConfig>()) {
    if (!field.name.ends_with("_sd_configs") || field.support != Support::kFail) continue;
    ++count;
    auto config = LoadText(
        fmt::format("scrape_configs:\n- job_name: x\n  {}: [{{a: b}}]\n", field.name), "p.yml");
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().message.find(
                  fmt::format("{} in scrape_configs[0] is not supported yet", field.name)),
              std::string::npos)
        << config.error().message;
  }
  EXPECT_EQ(count, 31U);
}

TEST(ExternalLabels, TakeVariablesFromTheEnvironment) {
  LoadOptions options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOST") return "web1";
    return std::nullopt;
  };
  auto config = LoadText(
      "global:\n  external_labels:\n    a: $HOST\n    b: x-${HOST}-y\n    c: $$HOST\n"
      "    d: $MISSING\n    e: 50% $ off\n    f: ${}\n    g: ${HOST\n",
      "p.yml", options);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->global.external_labels.ToString(),
            R"({a="web1", b="x-web1-y", c="$HOST", e="50% $ off", g="HOST"})");
}

TEST(Limits, ComeFromGlobalWhenTheJobSetsNone) {
  auto config = LoadText(
      "global: {sample_limit: 10, label_limit: 3}\n"
      "scrape_configs: [{job_name: a}, {job_name: b, sample_limit: 4}]\n",
      "p.yml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->scrape_configs[0].sample_limit, 10U);
  EXPECT_EQ(config->scrape_configs[1].sample_limit, 4U);
  EXPECT_EQ(config->scrape_configs[1].label_limit, 3U);
}

TEST(Timeouts, AreAtMostTheIntervalWhenNotWritten) {
  auto config = LoadText(
      "global: {scrape_interval: 5s}\nscrape_configs: [{job_name: a}, "
      "{job_name: b, scrape_interval: 1s}, {job_name: c, scrape_interval: 1m}]\n",
      "p.yml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->global.scrape_timeout, 5'000);
  EXPECT_EQ(config->scrape_configs[0].scrape_timeout, 5'000);
  EXPECT_EQ(config->scrape_configs[1].scrape_timeout, 1'000);
  EXPECT_EQ(config->scrape_configs[2].scrape_timeout, 5'000);
}

TEST(Paths, AreRelativeToTheFile) {
  auto config = LoadText(
      "scrape_configs: [{job_name: a, tls_config: {ca_file: ca.pem}, "
      "file_sd_configs: [{files: [t/*.json, /abs.yml]}]}]\n",
      "/etc/vigil/prometheus.yml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->scrape_configs[0].http.tls_config.ca_file, "/etc/vigil/ca.pem");
  EXPECT_EQ(config->scrape_configs[0].file_sd_configs[0].files[0], "/etc/vigil/t/*.json");
  EXPECT_EQ(config->scrape_configs[0].file_sd_configs[0].files[1], "/abs.yml");
}

TEST(ToYaml, ShowsNoSecretToPeople) {
  auto config = LoadText(
      "scrape_configs: [{job_name: a, basic_auth: {username: u, password: tops3cret}}, "
      "{job_name: b, authorization: {credentials: tops3cret}}, "
      "{job_name: c, http_headers: {X: {secrets: [tops3cret]}}, tls_config: {cert: C, key: "
      "tops3cret}}, {job_name: d, proxy_url: 'http://p', proxy_connect_header: {X: [tops3cret]}, "
      "oauth2: {client_id: i, token_url: 'http://t', client_secret: tops3cret, "
      "client_certificate_key: tops3cret}}]\n",
      "p.yml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(ToYaml(*config).find("tops3cret"), std::string::npos) << ToYaml(*config);
  EXPECT_NE(ToYaml(config->scrape_configs[0], Secrets::kShow).find("tops3cret"), std::string::npos);
}

TEST(TargetGroups, AreReadFromYamlAndJson) {
  for (const char* text :
       {"- targets: ['a:1', 'b:2']\n  labels: {env: prod, n: 5}\n- targets: [c:3]\n",
        "[\n\t{\"targets\": [\"a:1\", \"b:2\"],\n\t \"labels\": {\"env\": \"prod\", \"n\": \"5\"}},"
        "\n\t{\"targets\": [\"c:3\"]}\n]\n"}) {
    auto groups = ParseTargetGroups(text, "t.json");
    ASSERT_TRUE(groups) << groups.error().message;
    ASSERT_EQ(groups->size(), 2U);
    EXPECT_EQ((*groups)[0].targets, (std::vector<std::string>{"a:1", "b:2"}));
    EXPECT_EQ((*groups)[0].labels.ToString(), R"({env="prod", n="5"})");
  }
}

TEST(TargetGroups, ReadJsonEscapes) {
  auto groups =
      ParseTargetGroups(R"([{"targets":["a:1"],"labels":{"p":"\/x\u00fc\"\n"}}])", "t.json");
  ASSERT_TRUE(groups) << groups.error().message;
  EXPECT_EQ((*groups)[0].labels.Get("p"), "/x\u00fc\"\n");
}

TEST(TargetGroups, NameThePlaceOfAMistake) {
  auto groups = ParseTargetGroups("- targets: ['a:1']\n  lables: {}\n", "t.yml");
  ASSERT_FALSE(groups);
  EXPECT_EQ(groups.error().message,
            "t.yml:2:3: unknown field \"lables\" in [0]: did you mean \"labels\"?");
}

TEST(Yaml, RefusesDocumentsThatAliasesBlowUp) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    text += fmt::format("a{}: &a{} [", i, i);
    for (int j = 0; j < 10; ++j) text += fmt::format("*a{},", i - 1);
    text += "]\n";
  }
  auto config = LoadText(text, "p.yml");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("aliases make the document too large"), std::string::npos)
      << config.error().message;
}

}  // namespace
}  // namespace vigil::config
