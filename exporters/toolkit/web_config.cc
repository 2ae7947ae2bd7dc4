// SPDX-License-Identifier: Apache-2.0
// The file, key by key: what is not known is an error with file, line and key.
#include "exporters/toolkit/web_config.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <exception>
#include <functional>
#include <set>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"

namespace vigil::toolkit {
namespace {

// Knows the file for messages. The methods check a node's shape; all may be given null nodes.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] Error Fail(const YAML::Mark& mark, std::string_view what) const {
    const std::string line = mark.is_null() ? "" : ":" + std::to_string(mark.line + 1);
    return BadData(file_ + line + ": " + std::string(what));
  }

  using Field = std::function<Result<void>(const YAML::Node&)>;
  // Calls the field of each key; unknown and repeated keys are errors. where: "" or "in <key>".
  Result<void> Map(const YAML::Node& node, std::string_view where,
                   const std::vector<std::pair<std::string_view, Field>>& fields) const {
    return EachKey(node, where, [&](const std::string& key, const YAML::Node& value) {
      for (const auto& [name, field] : fields) {
        if (name == key) return field(value);
      }
      return Result<void>(Fail(value.Mark(), "unknown key " + Quote(key) + Suffix(where)));
    });
  }

  Result<void> EachKey(
      const YAML::Node& node, std::string_view where,
      const std::function<Result<void>(const std::string&, const YAML::Node&)>& visit) const {
    if (!node.IsDefined() || node.IsNull()) return Ok();
    if (!node.IsMap()) return Fail(node.Mark(), "expected a mapping" + Suffix(where));
    std::set<std::string> seen;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) {
        return Fail(item.first.Mark(), "expected a plain key" + Suffix(where));
      }
      const std::string& key = item.first.Scalar();
      if (!seen.insert(key).second) {
        return Fail(item.first.Mark(), "key " + Quote(key) + " is given twice" + Suffix(where));
      }
      TRY(visit(key, item.second));
    }
    return Ok();
  }

  Field Text(std::string_view key, std::string* out) const {
    return [this, key, out](const YAML::Node& node) -> Result<void> {
      if (node.IsNull()) return Ok();
      if (!node.IsScalar()) return Fail(node.Mark(), std::string(key) + ": expected a text");
      *out = node.Scalar();
      return Ok();
    };
  }

  Field Texts(std::string_view key, std::vector<std::string>* out) const {
    return [this, key, out](const YAML::Node& node) -> Result<void> {
      if (node.IsNull()) return Ok();
      if (!node.IsSequence()) return Fail(node.Mark(), std::string(key) + ": expected a list");
      for (const auto& item : node) {
        if (!item.IsScalar()) {
          return Fail(item.Mark(), std::string(key) + ": expected a list of texts");
        }
        out->push_back(item.Scalar());
      }
      return Ok();
    };
  }

  Field Bool(std::string_view key, bool* out) const {
    return [this, key, out](const YAML::Node& node) -> Result<void> {
      if (!node.IsScalar() || !YAML::convert<bool>::decode(node, *out)) {
        return Fail(node.Mark(), std::string(key) + ": expected true or false");
      }
      return Ok();
    };
  }

 private:
  static std::string Suffix(std::string_view where) {
    return where.empty() ? "" : " in " + std::string(where);
  }

  std::string file_;
};

Reader::Field TlsVersionField(const Reader& reader, std::string_view key, int* out) {
  return [&reader, key, out](const YAML::Node& node) -> Result<void> {
    static constexpr std::array<std::pair<std::string_view, int>, 4> kVersions = {
        {{"TLS10", 10}, {"TLS11", 11}, {"TLS12", 12}, {"TLS13", 13}}};
    for (const auto& [name, version] : kVersions) {
      if (node.IsScalar() && node.Scalar() == name) {
        *out = version;
        return Ok();
      }
    }
    return reader.Fail(node.Mark(), std::string(key) + ": expected TLS10, TLS11, TLS12 or TLS13");
  };
}

Result<void> CheckClientAuth(const std::string& type) {
  for (const std::string_view known :
       {"NoClientCert", "RequestClientCert", "RequireClientCert", "RequireAnyClientCert",
        "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}) {
    if (type == known) return Ok();
  }
  return BadData("client_auth_type: unknown type " + Quote(type));
}

Result<void> ReadTls(const Reader& reader, const YAML::Node& node, WebConfig* config) {
  http::TlsOptions& tls = config->tls;
  std::string client_auth;
  TRY(reader.Map(
      node, "tls_server_config",
      {{"cert", reader.Text("cert", &tls.cert_pem)},
       {"cert_file", reader.Text("cert_file", &tls.cert_file)},
       {"key", reader.Text("key", &tls.key_pem)},
       {"key_file", reader.Text("key_file", &tls.key_file)},
       {"client_ca", reader.Text("client_ca", &tls.client_ca_pem)},
       {"client_ca_file", reader.Text("client_ca_file", &tls.client_ca_file)},
       {"client_auth_type", reader.Text("client_auth_type", &client_auth)},
       {"client_allowed_sans", reader.Texts("client_allowed_sans", &tls.client_allowed_sans)},
       {"min_version", TlsVersionField(reader, "min_version", &tls.min_version)},
       {"max_version", TlsVersionField(reader, "max_version", &tls.max_version)},
       {"cipher_suites", reader.Texts("cipher_suites", &tls.cipher_suites)},
       {"prefer_server_cipher_suites",
        reader.Bool("prefer_server_cipher_suites", &tls.prefer_server_cipher_suites)},
       {"curve_preferences", reader.Texts("curve_preferences", &tls.curves)}}));
  const bool cert = !tls.cert_file.empty() || !tls.cert_pem.empty();
  const bool key = !tls.key_file.empty() || !tls.key_pem.empty();
  const bool ca = !tls.client_ca_file.empty() || !tls.client_ca_pem.empty();
  config->tls_enabled = cert || key || ca || !client_auth.empty();
  if (!config->tls_enabled) return Ok();
  const auto fail = [&](std::string_view what) {
    return reader.Fail(node.Mark(), "tls_server_config: " + std::string(what));
  };
  if (!cert) return fail("missing cert or cert_file");
  if (!key) return fail("missing key or key_file");
  if (!client_auth.empty()) {
    const Result<void> known = CheckClientAuth(client_auth);
    if (!known) return fail(known.error().message);
    tls.client_auth = client_auth;
  }
  if (ca && tls.client_auth == "NoClientCert") {
    return fail("client_ca is set but client_auth_type is NoClientCert");
  }
  if (tls.min_version > tls.max_version) return fail("min_version is above max_version");
  return Ok();
}

Result<void> CheckHeader(const std::string& name, const std::string& value) {
  struct Row {
    std::string_view name;
    std::vector<std::string_view> values;  // empty: any
  };
  static const std::array<Row, 5> kAllowed = {{{"Content-Security-Policy", {}},
                                               {"X-Frame-Options", {"deny", "sameorigin"}},
                                               {"X-Content-Type-Options", {"nosniff"}},
                                               {"X-XSS-Protection", {}},
                                               {"Strict-Transport-Security", {}}}};
  for (const Row& row : kAllowed) {
    if (row.name != name) continue;
    if (row.values.empty() || value.empty()) return Ok();
    for (const std::string_view allowed : row.values) {
      if (EqualsIgnoreCase(allowed, value)) return Ok();
    }
    return BadData("header " + name + " cannot be " + Quote(value));
  }
  return BadData("header " + Quote(name) + " cannot be configured");
}

Result<void> ReadHttp(const Reader& reader, const YAML::Node& node, WebConfig* config) {
  const auto headers = [&](const YAML::Node& map) {
    return reader.EachKey(map, "headers",
                          [&](const std::string& name, const YAML::Node& value) -> Result<void> {
                            std::string text;
                            TRY(reader.Text(name, &text)(value));
                            const Result<void> allowed = CheckHeader(name, text);
                            if (!allowed) return reader.Fail(value.Mark(), allowed.error().message);
                            if (!text.empty()) config->headers.emplace_back(name, text);
                            return Ok();
                          });
  };
  bool http2 = false;
  TRY(reader.Map(node, "http_server_config",
                 {{"http2", reader.Bool("http2", &http2)}, {"headers", headers}}));
  if (http2) config->warnings.emplace_back("http2 is not supported: HTTP/1.1 is served instead");
  return Ok();
}

bool LooksLikeBcrypt(std::string_view hash) {
  // $2b$10$ and 22 characters of salt and 31 of hash.
  if (hash.size() != 60 || !hash.starts_with("$2")) return false;
  if (std::string_view("aby").find(hash[2]) == std::string_view::npos) return false;
  const std::optional<uint64_t> cost = ParseUint(hash.substr(4, 2));
  if (hash[3] != '$' || hash[6] != '$' || !cost || *cost < 4 || *cost > 31) return false;
  for (const char c : hash.substr(7)) {
    const bool known = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '/';
    if (!known) return false;
  }
  return true;
}

Result<void> ReadUsers(const Reader& reader, const YAML::Node& node, WebConfig* config) {
  return reader.EachKey(node, "basic_auth_users",
                        [&](const std::string& user, const YAML::Node& value) -> Result<void> {
                          if (!value.IsScalar() || !LooksLikeBcrypt(value.Scalar())) {
                            return reader.Fail(value.Mark(),
                                               "basic_auth_users: the password of " + Quote(user) +
                                                   " is not a bcrypt hash ($2a$, $2b$ or $2y$)");
                          }
                          config->basic_auth_users[user] = value.Scalar();
                          return Ok();
                        });
}

Result<void> ReadRateLimit(const Reader& reader, const YAML::Node& node, WebConfig* config) {
  const auto interval = [&](const YAML::Node& value) -> Result<void> {
    const Result<DurationMs> parsed =
        ParseGoDuration(value.IsScalar() ? value.Scalar() : std::string());
    if (!parsed || *parsed < 0) {
      return reader.Fail(value.Mark(), "rate_limit.interval: expected a duration like 1s");
    }
    config->rate_limit_interval_ms = *parsed;
    return Ok();
  };
  const auto burst = [&](const YAML::Node& value) -> Result<void> {
    const std::optional<uint64_t> parsed =
        value.IsScalar() ? ParseUint(value.Scalar()) : std::nullopt;
    if (!parsed || *parsed > 1'000'000'000) {
      return reader.Fail(value.Mark(), "rate_limit.burst: expected a number");
    }
    config->rate_limit_burst = static_cast<int64_t>(*parsed);
    return Ok();
  };
  TRY(reader.Map(node, "rate_limit", {{"interval", interval}, {"burst", burst}}));
  if (config->rate_limit_interval_ms > 0 && config->rate_limit_burst == 0) {
    return reader.Fail(node.Mark(), "rate_limit: a burst of 0 would refuse every request");
  }
  return Ok();
}

Result<WebConfig> ReadRoot(const Reader& reader, const YAML::Node& root) {
  WebConfig config;
  const auto section = [&](Result<void> (*read)(const Reader&, const YAML::Node&, WebConfig*)) {
    return [&reader, &config, read](const YAML::Node& node) { return read(reader, node, &config); };
  };
  TRY(reader.Map(root, "",
                 {{"tls_server_config", section(ReadTls)},
                  {"http_server_config", section(ReadHttp)},
                  {"basic_auth_users", section(ReadUsers)},
                  {"rate_limit", section(ReadRateLimit)}}));
  return config;
}

}  // namespace

Result<WebConfig> WebConfig::Parse(std::string_view text, const std::string& file_name) {
  const Reader reader(file_name);
  Result<WebConfig> config = WebConfig();
  try {
    config = ReadRoot(reader, YAML::Load(std::string(text)));
  } catch (const YAML::Exception& e) {
    return reader.Fail(e.mark, e.msg);
  } catch (const std::exception& e) {
    return reader.Fail(YAML::Mark::null_mark(), e.what());
  }
  if (!config) return config;
  const std::string dir = DirName(file_name);
  for (std::string* file :
       {&config->tls.cert_file, &config->tls.key_file, &config->tls.client_ca_file}) {
    if (!file->empty()) *file = ResolvePath(dir, *file);
  }
  return config;
}

Result<WebConfig> WebConfig::Load(const std::string& path) {
  const std::string text = TRY_CONTEXT(ReadFile(path), "web config file");
  WebConfig config = TRY(Parse(text, path));
  if (config.tls_enabled) {
    TRY_CONTEXT(http::CheckTls(config.tls), path + ": tls_server_config");
  }
  return config;
}

}  // namespace vigil::toolkit
