// SPDX-License-Identifier: Apache-2.0
// Whose name AWS requests are signed in: keys of the configuration, the environment or the shared
// files, and roles taken with them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/aws_sigv4.h"
#include "client-lib/http/client.h"
#include "server/alerting/receiver_config.h"

namespace vigil::notify {

// What the process was started with. An empty text is a variable that is not set.
using EnvironmentReader = std::function<std::string(const char* name)>;
EnvironmentReader ProcessEnvironment();

// Keys are looked for where AWS's own programs look, in their order: sigv4's keys, its profile,
// AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, the web identity of
// AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, the profile AWS_PROFILE or "default" of
// ~/.aws/credentials and ~/.aws/config, then the container's (AWS_CONTAINER_CREDENTIALS_...). The
// instance's metadata are not asked. Files are read again for each message.
// Threads: owner thread only.
class AwsCredentialSource {
 public:
  // The clock must outlive it.
  AwsCredentialSource(alerting::Sigv4Config config, const Clock& clock,
                      EnvironmentReader environment = ProcessEnvironment());

  // sigv4's, AWS_REGION, AWS_DEFAULT_REGION, or the profile's. Upstream's error when there is none.
  [[nodiscard]] Result<std::string> Region() const;

  // What must be asked before Get: nothing, or a request whose answer, of status 2xx, goes to Take;
  // then look again. The error says what could not be read.
  Result<std::optional<http::ClientRequest>> Request();
  Result<void> Take(const http::ClientResponse& answer);
  // unavailable when there are no keys anywhere.
  [[nodiscard]] Result<http::AwsCredentials> Get() const;

  // sts.eu-west-1.amazonaws.com; China has its own domain.
  static std::string Endpoint(std::string_view service, std::string_view region);

 private:
  struct Profile {
    http::AwsCredentials keys;
    std::string region;
  };
  [[nodiscard]] Result<http::AwsCredentials> OwnKeys() const;
  [[nodiscard]] Result<Profile> ReadProfile(const std::string& name, bool must_exist) const;
  [[nodiscard]] std::string TokenServiceUrl(const std::string& region) const;
  [[nodiscard]] bool UsesWebIdentity() const;
  // Where the container's keys are asked for; empty: it has none.
  [[nodiscard]] std::string ContainerUrl() const;
  // The container's keys are needed and not there.
  [[nodiscard]] bool NeedsContainerKeys() const;
  [[nodiscard]] Result<http::ClientRequest> ContainerRequest() const;

  const alerting::Sigv4Config config_;
  const Clock& clock_;
  const EnvironmentReader environment_;
  // Keys that end.
  struct Lent {
    http::AwsCredentials keys;
    TimestampMs until = 0;
  };
  [[nodiscard]] bool IsGood(const Lent& lent) const;
  Lent role_;
  Lent container_;
  bool asked_container_ = false;  // the open request is to the container
};

// The text between <name> and </name>, entities undone; empty when there is none.
std::string XmlText(std::string_view xml, std::string_view name);

}  // namespace vigil::notify
