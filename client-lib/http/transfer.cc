// SPDX-License-Identifier: Apache-2.0
// Options of libcurl, and its verdicts in the words that users know from Go.
#include "client-lib/http/transfer.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

void InitCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct CurlUrl {
  CURLU* url = curl_url();
  CurlUrl() = default;
  CurlUrl(const CurlUrl&) = delete;
  CurlUrl& operator=(const CurlUrl&) = delete;
  ~CurlUrl() { curl_url_cleanup(url); }

  [[nodiscard]] std::string Part(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
  }
};

// Errors and logs must not show passwords.
std::string WithoutPassword(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return url;
  const size_t at = url.find('@', start);
  const size_t slash = url.find('/', start + 3);
  if (at == std::string::npos || at > slash) return url;
  const size_t colon = url.find(':', start + 3);
  if (colon > at) return url;
  return url.substr(0, colon + 1) + "xxxxx" + url.substr(at);
}

std::string HostPort(const std::string& url_text) {
  const CurlUrl url;
  if (curl_url_set(url.url, CURLUPART_URL, url_text.c_str(), 0) != CURLUE_OK) return url_text;
  return url.Part(CURLUPART_HOST) + ":" + url.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

void SetBlob(CURL* handle, CURLoption option, const std::string& text) {
  curl_blob blob{};
  blob.data = const_cast<char*>(text.data());  // libcurl copies it
  blob.len = text.size();
  blob.flags = CURL_BLOB_COPY;
  curl_easy_setopt(handle, option, &blob);
}

long MinTlsVersion(int version) {
  switch (version) {
    case 10:
      return CURL_SSLVERSION_TLSv1_0;
    case 11:
      return CURL_SSLVERSION_TLSv1_1;
    case 13:
      return CURL_SSLVERSION_TLSv1_3;
    default:
      return CURL_SSLVERSION_TLSv1_2;
  }
}

long MaxTlsVersion(int version) {
  switch (version) {
    case 10:
      return CURL_SSLVERSION_MAX_TLSv1_0;
    case 11:
      return CURL_SSLVERSION_MAX_TLSv1_1;
    case 12:
      return CURL_SSLVERSION_MAX_TLSv1_2;
    default:
      return CURL_SSLVERSION_MAX_TLSv1_3;
  }
}

// The message of an errno as Go prints it: lower case.
std::string ErrnoText(long code) {
  std::string text = std::strerror(static_cast<int>(code));
  return text.empty() ? text : AsciiLower(text.substr(0, 1)) + text.substr(1);
}

}  // namespace

Transfer::Transfer() {
  InitCurl();
  handle_ = curl_easy_init();
  CHECK(handle_ != nullptr);
}

Transfer::~Transfer() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(header_list_);
  curl_slist_free_all(connect_to_);
  curl_slist_free_all(proxy_headers_);
}

size_t Transfer::limit() const {
  return request_.max_body_bytes == 0 ? std::numeric_limits<size_t>::max()
                                      : request_.max_body_bytes;
}

Result<void> Transfer::Prepare(ClientRequest request) {
  curl_easy_reset(handle_);
  request_ = std::move(request);
  response_ = ClientResponse();
  response_.body = std::move(request_.body_buffer);
  response_.body.clear();
  coding_ = Coding::kUndecided;
  over_limit_ = false;
  body_error_.clear();
  reason_[0] = '\0';

  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, reason_);
  curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle_, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout_ms));
  curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.timeout_ms));
  curl_easy_setopt(handle_, CURLOPT_TCP_NODELAY, 1L);

  static const std::shared_ptr<const ClientOptions> kDefaults =
      std::make_shared<const ClientOptions>();
  if (request_.options == nullptr) request_.options = kDefaults;
  const ClientOptions& options = *request_.options;
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, options.follow_redirects ? 1L : 0L);
  curl_easy_setopt(handle_, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(handle_, CURLOPT_HTTP_VERSION,
                   options.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
  SetMethodAndBody();
  SetHeaders();
  SetTls(options);
  SetProxy(options);
  return SetTarget();
}

void Transfer::SetMethodAndBody() {
  if (request_.method == "HEAD") {
    curl_easy_setopt(handle_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT") {
    curl_easy_setopt(handle_, CURLOPT_POST, 1L);
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, request_.body.data());  // request_ keeps it
  }
  if (request_.method != "GET" && request_.method != "POST") {
    curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else if (request_.method == "GET" && !request_.body.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, "GET");
  }
}

void Transfer::SetHeaders() {
  curl_slist_free_all(header_list_);
  header_list_ = nullptr;
  const auto add = [&](const std::string& name, const std::string& value) {
    // An empty value needs the semicolon: with a colon libcurl would leave the header out.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    header_list_ = curl_slist_append(header_list_, line.c_str());
  };
  const ClientOptions& options = *request_.options;
  // Content decoding is ours: it counts the limit on decoded bytes and keeps its memory.
  if (request_.accept_compression && !request_.headers.Has("Accept-Encoding")) {
    add("Accept-Encoding", "gzip, deflate");
  }
  for (const auto& [name, value] : options.headers) add(name, value);
  for (const auto& [name, value] : request_.headers.items()) add(name, value);
  if (!options.authorization.empty()) add("Authorization", options.authorization);
  if (!request_.body.empty()) {
    // No waiting for "100 Continue"; no form type that nobody asked for.
    header_list_ = curl_slist_append(header_list_, "Expect:");
    if (!request_.headers.Has("Content-Type")) {
      header_list_ = curl_slist_append(header_list_, "Content-Type:");
    }
  }
  if (!request_.headers.Has("User-Agent")) add("User-Agent", "Vigil");
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, header_list_);
  if (!options.basic_auth_username.empty() || !options.basic_auth_password.empty()) {
    curl_easy_setopt(handle_, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(handle_, CURLOPT_USERNAME, options.basic_auth_username.c_str());
    curl_easy_setopt(handle_, CURLOPT_PASSWORD, options.basic_auth_password.c_str());
  }
}

// The URL; with a server_name, the connection goes to the URL's host but TLS speaks to the name.
Result<void> Transfer::SetTarget() {
  const CurlUrl url;
  const CURLUcode code = curl_url_set(url.url, CURLUPART_URL, request_.url.c_str(), 0);
  if (code != CURLUE_OK) return BadData(Describe(curl_url_strerror(code)));
  const std::string scheme = url.Part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return BadData(Describe("unsupported protocol scheme " + Quote(scheme)));
  }
  curl_slist_free_all(connect_to_);
  connect_to_ = nullptr;
  const std::string& name = request_.options->server_name;
  const std::string host = url.Part(CURLUPART_HOST);
  if (name.empty() || name == host || scheme != "https") {
    curl_easy_setopt(handle_, CURLOPT_URL, request_.url.c_str());
    return Ok();
  }
  const std::string port = url.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  connect_to_ = curl_slist_append(nullptr, (name + ":" + port + ":" + host + ":" + port).c_str());
  curl_easy_setopt(handle_, CURLOPT_CONNECT_TO, connect_to_);
  if (!request_.headers.Has("Host")) {
    const std::string line = "Host: " + (port == "443" ? host : host + ":" + port);
    header_list_ = curl_slist_append(header_list_, line.c_str());
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, header_list_);
  }
  curl_url_set(url.url, CURLUPART_HOST, name.c_str(), 0);
  curl_easy_setopt(handle_, CURLOPT_URL, url.Part(CURLUPART_URL).c_str());
  return Ok();
}

void Transfer::SetTls(const ClientOptions& options) {
  curl_easy_setopt(handle_, CURLOPT_SSLVERSION,
                   MinTlsVersion(options.min_tls_version) | MaxTlsVersion(options.max_tls_version));
  if (options.insecure_skip_verify) {
    curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);  // this CA and no other
  } else if (!options.ca_pem.empty()) {
    SetBlob(handle_, CURLOPT_CAINFO_BLOB, options.ca_pem);
    curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);
  }
  if (!options.cert_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_SSLCERT, options.cert_file.c_str());
  } else if (!options.cert_pem.empty()) {
    SetBlob(handle_, CURLOPT_SSLCERT_BLOB, options.cert_pem);
  }
  if (!options.key_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_SSLKEY, options.key_file.c_str());
  } else if (!options.key_pem.empty()) {
    SetBlob(handle_, CURLOPT_SSLKEY_BLOB, options.key_pem);
  }
}

void Transfer::SetProxy(const ClientOptions& options) {
  curl_slist_free_all(proxy_headers_);
  proxy_headers_ = nullptr;
  for (const auto& [name, value] : options.proxy_headers) {
    proxy_headers_ = curl_slist_append(proxy_headers_, (name + ": " + value).c_str());
  }
  // They are for CONNECT alone. Of a plain http URL libcurl would add them to the request itself,
  // which the proxy hands on to the target; so a redirect must not lead there.
  if (proxy_headers_ != nullptr && AsciiLower(request_.url.substr(0, 8)) == "https://") {
    curl_easy_setopt(handle_, CURLOPT_PROXYHEADER, proxy_headers_);
    curl_easy_setopt(handle_, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  }
  if (!options.proxy_url.empty()) {
    curl_easy_setopt(handle_, CURLOPT_PROXY, options.proxy_url.c_str());
    curl_easy_setopt(handle_, CURLOPT_NOPROXY, options.no_proxy.c_str());
  } else if (!options.proxy_from_environment) {
    curl_easy_setopt(handle_, CURLOPT_PROXY, "");  // libcurl would look at the environment
  } else if (std::getenv("http_proxy") == nullptr && request_.url.starts_with("http://")) {
    // libcurl reads only the lower-case name of this one; Go programs take both.
    if (const char* proxy = std::getenv("HTTP_PROXY")) {
      curl_easy_setopt(handle_, CURLOPT_PROXY, proxy);
    }
  }
}

size_t Transfer::OnHeader(const char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  const std::string_view line = TrimSpace(std::string_view(data, size * count));
  if (line.starts_with("HTTP/")) {
    transfer->response_.headers.Clear();  // of a redirect or "100 Continue"
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    transfer->response_.headers.Add(std::string(line.substr(0, colon)),
                                    std::string(TrimSpace(line.substr(colon + 1))));
  }
  return size * count;
}

void Transfer::StartBody() {
  const std::string encoding = AsciiLower(response_.headers.Get("Content-Encoding"));
  coding_ = Coding::kIdentity;
  if (!request_.accept_compression) return;
  if (encoding == "gzip" || encoding == "x-gzip" || encoding == "deflate") {
    coding_ = encoding == "deflate" ? Coding::kDeflate : Coding::kGzip;
    compressed_.clear();
  } else if (!encoding.empty() && encoding != "identity") {
    body_error_ = "content encoding " + Quote(encoding) + " was not asked for";
  }
}

size_t Transfer::OnBody(const char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  const std::string_view bytes(data, size * count);
  if (transfer->coding_ == Coding::kUndecided) transfer->StartBody();
  if (!transfer->body_error_.empty()) return 0;  // ends the transfer
  const bool identity = transfer->coding_ == Coding::kIdentity;
  std::string& body = identity ? transfer->response_.body : transfer->compressed_;
  // What does not compress gets longer by much less than a thousandth and a kilobyte.
  const size_t limit = transfer->limit();
  const size_t slack = identity ? 0 : limit / 1000 + 1024;
  transfer->over_limit_ =
      body.size() + bytes.size() > limit && body.size() + bytes.size() - limit > slack;
  if (transfer->over_limit_) return 0;
  body.append(bytes);
  return bytes.size();
}

Result<void> Transfer::Decompress() {
  if (coding_ != Coding::kGzip && coding_ != Coding::kDeflate) return Ok();
  const Result<void> done = inflater_.Inflate(
      coding_ == Coding::kGzip ? Inflater::Format::kGzip : Inflater::Format::kDeflate, compressed_,
      limit(), &response_.body);
  if (done) return done;
  if (inflater_.over_limit()) return BadData("body size limit exceeded");
  return BadData(Describe(done.error().message));
}

Result<ClientResponse> Transfer::Finish(CURLcode code) {
  if (code != CURLE_OK) return Verdict(code);
  TRY(Decompress());
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  curl_off_t duration_us = 0;
  curl_easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &duration_us);
  response_.status = static_cast<int>(status);
  response_.duration_us = duration_us;
  response_.content_type = std::string(response_.headers.Get("Content-Type"));
  return std::move(response_);
}

std::string Transfer::Describe(const std::string& what) const {
  std::string verb = request_.method.substr(0, 1) + AsciiLower(request_.method).substr(1);
  return verb + " " + Quote(WithoutPassword(request_.url)) + ": " + what;
}

std::string Transfer::ConnectReason() const {
  long code = 0;
  curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &code);
  const std::string why = code == 0 ? std::string(reason_) : "connect: " + ErrnoText(code);
  return "dial tcp " + HostPort(request_.url) + ": " + why;
}

Error Transfer::Verdict(CURLcode code) const {
  const std::string reason = reason_[0] != '\0' ? reason_ : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Timeout(Describe("context deadline exceeded"));
    case CURLE_WRITE_ERROR:
      if (over_limit_) return BadData("body size limit exceeded");
      if (!body_error_.empty()) return BadData(Describe(body_error_));
      return Unavailable(Describe(reason));
    case CURLE_COULDNT_CONNECT:
      return Unavailable(Describe(ConnectReason()));
    case CURLE_COULDNT_RESOLVE_HOST: {
      const std::string address = HostPort(request_.url);
      return Unavailable(
          Describe("dial tcp: lookup " + address.substr(0, address.rfind(':')) + ": no such host"));
    }
    case CURLE_GOT_NOTHING:
      return Unavailable(Describe("EOF"));
    case CURLE_PARTIAL_FILE:
      return Unavailable(Describe("unexpected EOF"));
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: {
      long os_code = 0;
      curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &os_code);
      return Unavailable(Describe(os_code == 0 ? reason : ErrnoText(os_code)));
    }
    case CURLE_PEER_FAILED_VERIFICATION:
      return Unavailable(Describe("tls: failed to verify certificate: " + reason));
    case CURLE_SSL_CONNECT_ERROR:
      return Unavailable(Describe("tls: " + reason));
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return BadData(Describe("tls: " + reason));
    case CURLE_TOO_MANY_REDIRECTS:
      return Unavailable(Describe("stopped after 10 redirects"));
    case CURLE_URL_MALFORMAT:
      return BadData(Describe(reason));
    case CURLE_UNSUPPORTED_PROTOCOL:  // also what libcurl calls an answer without a status line
    case CURLE_WEIRD_SERVER_REPLY:
      return Unavailable(Describe("malformed HTTP response: " + reason));
    default:
      return Unavailable(Describe(reason));
  }
}

}  // namespace vigil::http
