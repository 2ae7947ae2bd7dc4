// SPDX-License-Identifier: Apache-2.0
// The files are of INI's kind; the token service answers in XML, the container in JSON.
#include "server/notify/aws_credentials.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include "client-lib/base/files.h"
#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "server/notify/receiver.h"
#include "server/notify/url.h"

namespace vigil::notify {
namespace {

// Lent keys are asked for anew this long before they end: a message may be under way for a while.
constexpr DurationMs kLentMarginMs = 60'000;
// When the answer does not say: AWS's default is an hour.
constexpr DurationMs kLentLifeMs = 15 * 60'000;
constexpr size_t kMaxTokenAnswerBytes = 1 << 20;

// The entries of a section. [profile x] of ~/.aws/config is [x] of ~/.aws/credentials.
StringMap SectionOf(std::string_view ini, std::string_view name) {
  StringMap entries;
  bool inside = false;
  for (std::string_view line : Split(ini, '\n')) {
    line = TrimSpace(line);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      std::string_view section = TrimSpace(line.substr(1, line.find(']') - 1));
      if (section.starts_with("profile ")) section = TrimSpace(section.substr(8));
      inside = section == name;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    entries.emplace(AsciiLower(TrimSpace(line.substr(0, equals))),
                    TrimSpace(line.substr(equals + 1)));
  }
  return entries;
}

std::string EntryOf(const StringMap& entries, const std::string& name) {
  const auto found = entries.find(name);
  return found == entries.end() ? "" : found->second;
}

// 2026-02-03T04:05:06Z; 0 when it is no time.
TimestampMs ExpirationOf(const std::string& text) {
  std::tm tm{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  return end == nullptr ? 0 : static_cast<TimestampMs>(timegm(&tm)) * 1000;
}

}  // namespace

EnvironmentReader ProcessEnvironment() {
  return [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
}

std::string XmlText(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const size_t start = xml.find(open);
  if (start == std::string_view::npos) return {};
  std::string_view rest = xml.substr(start + open.size());
  const size_t end = rest.find("</" + std::string(name) + ">");
  if (end == std::string_view::npos) return {};
  rest = rest.substr(0, end);
  static constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}}};
  std::string out;
  while (!rest.empty()) {
    std::string_view token = rest.substr(0, 1);
    char meant = token.front();
    for (const auto& [entity, c] : kEntities) {
      if (!rest.starts_with(entity)) continue;
      token = entity;
      meant = c;
    }
    out += meant;
    rest.remove_prefix(token.size());
  }
  return out;
}

AwsCredentialSource::AwsCredentialSource(alerting::Sigv4Config config, const Clock& clock,
                                         EnvironmentReader environment)
    : config_(std::move(config)), clock_(clock), environment_(std::move(environment)) {}

std::string AwsCredentialSource::Endpoint(std::string_view service, std::string_view region) {
  return "https://" + std::string(service) + "." + std::string(region) + ".amazonaws.com" +
         (region.starts_with("cn-") ? ".cn" : "") + "/";
}

Result<AwsCredentialSource::Profile> AwsCredentialSource::ReadProfile(const std::string& name,
                                                                      bool must_exist) const {
  const std::string home = environment_("HOME");
  Profile profile;
  bool found = false;
  for (const auto& [variable, file] :
       {std::pair("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"),
        std::pair("AWS_CONFIG_FILE", "/.aws/config")}) {
    const std::string own = environment_(variable);
    const auto text = ReadFile(own.empty() ? home + file : own);
    if (!text) continue;
    const StringMap entries = SectionOf(*text, name);
    found = found || !entries.empty();
    if (profile.keys.empty()) {
      profile.keys = {EntryOf(entries, "aws_access_key_id"),
                      EntryOf(entries, "aws_secret_access_key"),
                      EntryOf(entries, "aws_session_token")};
    }
    if (profile.region.empty()) profile.region = EntryOf(entries, "region");
  }
  if (must_exist && !found) {
    return BadData("failed to get shared config profile, " + name +
                   ": neither the AWS credentials file nor the AWS config file has it");
  }
  return profile;
}

Result<std::string> AwsCredentialSource::Region() const {
  if (!config_.region.empty()) return config_.region;
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    std::string region = environment_(variable);
    if (!region.empty()) return region;
  }
  std::string name = config_.profile.empty() ? environment_("AWS_PROFILE") : config_.profile;
  if (name.empty()) name = "default";
  const Profile profile = TRY(ReadProfile(name, false));
  if (profile.region.empty()) {
    return BadData("region not configured in sns.sigv4.region or in default credentials chain");
  }
  return profile.region;
}

bool AwsCredentialSource::UsesWebIdentity() const {
  if (!config_.access_key.empty() || !config_.profile.empty()) return false;
  if (!environment_("AWS_ACCESS_KEY_ID").empty()) return false;
  return !environment_("AWS_WEB_IDENTITY_TOKEN_FILE").empty() &&
         !environment_("AWS_ROLE_ARN").empty();
}

Result<http::AwsCredentials> AwsCredentialSource::OwnKeys() const {
  if (!config_.access_key.empty()) {
    return http::AwsCredentials{config_.access_key, config_.secret_key.value, ""};
  }
  if (config_.profile.empty()) {
    const http::AwsCredentials keys{environment_("AWS_ACCESS_KEY_ID"),
                                    environment_("AWS_SECRET_ACCESS_KEY"),
                                    environment_("AWS_SESSION_TOKEN")};
    if (!keys.access_key.empty() && !keys.secret_key.empty()) return keys;
  }
  std::string name = config_.profile.empty() ? environment_("AWS_PROFILE") : config_.profile;
  const bool named = !name.empty();
  if (!named) name = "default";
  const Profile profile = TRY(ReadProfile(name, named && ContainerUrl().empty()));
  if (profile.keys.empty()) {
    if (!ContainerUrl().empty()) return container_.keys;
    return Unavailable(
        "no AWS credentials found: set access_key and secret_key, "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile with keys");
  }
  return profile.keys;
}

std::string AwsCredentialSource::TokenServiceUrl(const std::string& region) const {
  for (const char* variable : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}) {
    const std::string url = environment_(variable);
    if (!url.empty()) return url.ends_with('/') ? url : url + "/";
  }
  return Endpoint("sts", region);
}

bool AwsCredentialSource::IsGood(const Lent& lent) const {
  return clock_.Now() < lent.until - kLentMarginMs;
}

std::string AwsCredentialSource::ContainerUrl() const {
  const std::string relative = environment_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) return "http://169.254.170.2" + relative;
  return environment_("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

bool AwsCredentialSource::NeedsContainerKeys() const {
  if (ContainerUrl().empty() || UsesWebIdentity() || IsGood(container_)) return false;
  const auto own = OwnKeys();
  // What is neither in the configuration nor in the environment nor in a file.
  return own && own->access_key == container_.keys.access_key;
}

Result<http::ClientRequest> AwsCredentialSource::ContainerRequest() const {
  http::ClientRequest request;
  request.url = ContainerUrl();
  request.max_body_bytes = kMaxTokenAnswerBytes;
  const std::string token =
      TRY(ReadSecret({environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN")},
                     environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "container token"));
  if (!token.empty()) request.headers.Set("Authorization", token);
  return request;
}

Result<std::optional<http::ClientRequest>> AwsCredentialSource::Request() {
  using Wanted = std::optional<http::ClientRequest>;
  const bool web_identity = UsesWebIdentity();
  const bool takes_role = !config_.role_arn.empty() || web_identity;
  if (takes_role && IsGood(role_)) return Wanted();
  asked_container_ = NeedsContainerKeys();
  if (asked_container_) return Wanted(TRY(ContainerRequest()));
  if (!takes_role) return Wanted();
  // A web identity that is to take a second role is not the case AWS's programs have either.
  const std::string region = TRY(Region());
  std::vector<std::pair<std::string, std::string>> form = {
      {"Version", "2011-06-15"},
      {"RoleArn", config_.role_arn.empty() ? environment_("AWS_ROLE_ARN") : config_.role_arn},
      {"RoleSessionName", "vigil-" + std::to_string(clock_.Now())}};
  if (web_identity) {
    const std::string token =
        TRY(ReadSecret({}, environment_("AWS_WEB_IDENTITY_TOKEN_FILE"), "web identity token"));
    form.emplace_back("Action", "AssumeRoleWithWebIdentity");
    form.emplace_back("WebIdentityToken", token);
  } else {
    form.emplace_back("Action", "AssumeRole");
    if (!config_.external_id.empty()) form.emplace_back("ExternalId", config_.external_id);
  }
  http::ClientRequest request;
  request.method = "POST";
  request.url = TokenServiceUrl(region);
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  request.body = EncodeQuery(std::move(form));
  request.max_body_bytes = kMaxTokenAnswerBytes;
  if (!web_identity) {
    const http::AwsCredentials own = TRY(OwnKeys());
    http::SignAwsRequest(own, region, "sts", clock_.Now(), &request);
  }
  return Wanted(std::move(request));
}

Result<void> AwsCredentialSource::Take(const http::ClientResponse& answer) {
  Lent lent;
  std::string until;
  if (asked_container_) {
    const JsonValue json = TRY_CONTEXT(ParseJson(answer.body), "the container's AWS credentials");
    lent.keys = {json["AccessKeyId"].text, json["SecretAccessKey"].text, json["Token"].text};
    until = json["Expiration"].text;
  } else {
    lent.keys = {XmlText(answer.body, "AccessKeyId"), XmlText(answer.body, "SecretAccessKey"),
                 XmlText(answer.body, "SessionToken")};
    until = XmlText(answer.body, "Expiration");
  }
  if (lent.keys.access_key.empty() || lent.keys.secret_key.empty()) {
    return Unavailable(asked_container_ ? "the container gave no AWS credentials"
                                        : "the token service gave no keys for the role");
  }
  const TimestampMs end = ExpirationOf(until);
  lent.until = end == 0 ? clock_.Now() + kLentLifeMs : end;
  // Keys that are over already are used once: whoever lent them knows best.
  lent.until = std::max(lent.until, clock_.Now() + kLentMarginMs + 1);
  (asked_container_ ? container_ : role_) = std::move(lent);
  return Ok();
}

Result<http::AwsCredentials> AwsCredentialSource::Get() const {
  if (!config_.role_arn.empty() || UsesWebIdentity()) return role_.keys;
  return OwnKeys();
}

}  // namespace vigil::notify
