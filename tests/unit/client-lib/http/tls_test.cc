// SPDX-License-Identifier: Apache-2.0
// TLS between our server and our client, with certificates made by openssl on the spot.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "client-lib/base/files.h"
#include "client-lib/http/client.h"
#include "client-lib/http/server.h"

namespace vigil::http {
namespace {

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    char name[] = "/tmp/vigil-tls-XXXXXX";
    dir_ = mkdtemp(name);
    MakeCertificate("server", "DNS:vigil.test,IP:127.0.0.1");
  }
  ~TlsTest() override { std::filesystem::remove_all(dir_); }

  void MakeCertificate(const std::string& name, const std::string& sans) {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=" +
        name + " -addext subjectAltName=" + sans + " -keyout " + Path(name + ".key") + " -out " +
        Path(name + ".crt") + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  [[nodiscard]] TlsOptions Tls() const {
    TlsOptions tls;
    tls.cert_file = Path("server.crt");
    tls.key_file = Path("server.key");
    return tls;
  }
  void Start(const TlsOptions& tls) {
    ServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.threads = 4;
    options.tls = std::make_unique<TlsOptions>(tls);
    auto server = Server::Start(std::move(options),
                                [](const Request&) { return Response::Text(200, "secret"); });
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  Result<ClientResponse> Get(const ClientOptions& options) {
    ClientRequest request;
    request.url = "https://127.0.0.1:" + std::to_string(server_->ports()[0]) + "/";
    request.options = std::make_shared<ClientOptions>(options);
    return Fetch(std::move(request));
  }
  [[nodiscard]] ClientOptions Trusting() const {
    ClientOptions options;
    options.ca_file = Path("server.crt");
    return options;
  }

  std::string dir_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, ServesThoseWhoTrustTheCertificate) {
  Start(Tls());
  EXPECT_EQ(Get(Trusting()).value().body, "secret");
  ClientOptions pem;
  pem.ca_pem = ReadFile(Path("server.crt")).value();
  EXPECT_EQ(Get(pem).value().body, "secret");
  ClientOptions careless;
  careless.insecure_skip_verify = true;
  EXPECT_EQ(Get(careless).value().body, "secret");
  const auto stranger = Get(ClientOptions());
  EXPECT_EQ(stranger.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(stranger.error().message.find("tls: failed to verify certificate"), std::string::npos)
      << stranger.error().message;
}

TEST_F(TlsTest, ServerNameIsTheNameThatCounts) {
  Start(Tls());
  ClientOptions options = Trusting();
  options.server_name = "vigil.test";
  EXPECT_EQ(Get(options).value().body, "secret");
  options.server_name = "other.test";
  EXPECT_FALSE(Get(options));
}

TEST_F(TlsTest, AsksForClientCertificates) {
  MakeCertificate("client", "URI:spiffe://x/prometheus");
  MakeCertificate("other", "DNS:other");
  TlsOptions tls = Tls();
  tls.client_ca_file = Path("client.crt");
  tls.client_auth = "RequireAndVerifyClientCert";
  tls.client_allowed_sans = {"spiffe://x/prometheus"};
  Start(tls);
  EXPECT_FALSE(Get(Trusting()));
  ClientOptions options = Trusting();
  options.cert_file = Path("client.crt");
  options.key_file = Path("client.key");
  const auto good = Get(options);
  EXPECT_TRUE(good) << good.error().message;
  options.cert_file = Path("other.crt");
  options.key_file = Path("other.key");
  EXPECT_FALSE(Get(options));
}

TEST_F(TlsTest, ChecksNamesOfCertificatesThatNeedNoCa) {
  MakeCertificate("client", "DNS:good,IP:10.0.0.1");
  TlsOptions tls = Tls();
  tls.client_auth = "RequireAnyClientCert";
  tls.client_allowed_sans = {"10.0.0.1"};
  Start(tls);
  ClientOptions options = Trusting();
  options.cert_pem = ReadFile(Path("client.crt")).value();
  options.key_pem = ReadFile(Path("client.key")).value();
  EXPECT_TRUE(Get(options));
  MakeCertificate("client", "DNS:good");
  options.cert_pem = ReadFile(Path("client.crt")).value();
  options.key_pem = ReadFile(Path("client.key")).value();
  EXPECT_FALSE(Get(options));
}

TEST_F(TlsTest, TakesANewCertificateWithoutARestart) {
  Start(Tls());
  EXPECT_TRUE(Get(Trusting()));
  MakeCertificate("server", "IP:127.0.0.1");  // Trusting() reads the new file too
  const auto renewed = Get(Trusting());
  EXPECT_TRUE(renewed) << renewed.error().message;
  // Half a renewal: the old pair stays in use.
  ClientOptions trusting;
  trusting.ca_pem = ReadFile(Path("server.crt")).value();
  ASSERT_TRUE(WriteFileAtomically(Path("server.key"), "broken"));
  EXPECT_TRUE(Get(trusting));
}

TEST_F(TlsTest, KeepsToTheVersions) {
  TlsOptions tls = Tls();
  tls.max_version = 12;
  tls.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};
  tls.curves = {"CurveP256"};
  Start(tls);
  EXPECT_TRUE(Get(Trusting()));
  ClientOptions modern = Trusting();
  modern.min_tls_version = 13;
  EXPECT_NE(Get(modern).error().message.find("tls: "), std::string::npos);
}

TEST_F(TlsTest, SaysWhatIsWrongWithTheOptions) {
  EXPECT_TRUE(CheckTls(Tls()));
  const auto message = [](const TlsOptions& tls) { return CheckTls(tls).error().message; };
  TlsOptions tls = Tls();
  tls.cert_file = Path("none.crt");
  EXPECT_NE(message(tls).find("none.crt"), std::string::npos);
  tls = Tls();
  MakeCertificate("other", "DNS:other");
  tls.key_file = Path("other.key");
  EXPECT_NE(message(tls).find("does not belong to the certificate"), std::string::npos);
  tls = Tls();
  tls.cipher_suites = {"TLS_RSA_WITH_RC4_128_SHA"};
  EXPECT_EQ(message(tls), "unknown or insecure cipher suite \"TLS_RSA_WITH_RC4_128_SHA\"");
  tls = Tls();
  tls.curves = {"Curve1"};
  EXPECT_EQ(message(tls), "unknown or insecure curve \"Curve1\"");
}

}  // namespace
}  // namespace vigil::http
