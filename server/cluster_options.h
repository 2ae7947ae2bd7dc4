// SPDX-License-Identifier: Apache-2.0
// The flags of two servers on one database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "exporters/toolkit/flags.h"

namespace vigil::server {

struct ClusterOptions {
  bool standby = false;
  std::string advertise_url;  // empty: made of the listen address
  int64_t lease_ms = 30'000;
  // To reach the leader by HTTPS.
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  // By whom a leader that is cut off asks the one that stood by: see cluster::PeerRoles.
  std::string username;
  std::string password_file;

  void AddTo(toolkit::FlagSet* flags);
  // After parsing. bad_data names the flag.
  [[nodiscard]] Result<void> Check(bool own_postgres) const;
  // How this server speaks to the leader.
  [[nodiscard]] std::shared_ptr<const http::ClientOptions> Client() const;
  // The same under a name of its own. The error says what is wrong with the password's file.
  [[nodiscard]] Result<std::shared_ptr<const http::ClientOptions>> PeerClient() const;

 private:
  [[nodiscard]] http::ClientOptions TlsClient() const;

  bool gossip_discovery_ = false;
};

// Where other servers reach this one, without a slash at the end: --cluster.advertise-url, or the
// first listen address, with host_name in place of an address that stands for all. bad_data: the
// web config file cannot be read; with --cluster.standby nobody else reaches the listen address.
Result<std::string> AdvertisedUrl(const ClusterOptions& options, const toolkit::WebFlags& web,
                                  const std::string& host_name, int port);

}  // namespace vigil::server
