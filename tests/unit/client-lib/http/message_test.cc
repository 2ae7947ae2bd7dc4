// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/message.h"

#include <gtest/gtest.h>

#include "client-lib/http/compression.h"

namespace vigil::http {
namespace {

std::string GzipBody(std::string_view text) {
  Compressor compressor;
  std::string out;
  compressor.Start(Coding::kGzip);
  compressor.Add(text, true, &out);
  return out;
}

TEST(Headers, NamesCompareWithoutCase) {
  Headers headers;
  headers.Add("Content-Type", "a");
  headers.Add("content-type", "b");
  EXPECT_EQ(headers.Get("CONTENT-TYPE"), "a");
  headers.Set("Content-type", "c");
  ASSERT_EQ(headers.items().size(), 1u);
  EXPECT_EQ(headers.Get("content-type"), "c");
  EXPECT_FALSE(headers.Has("Accept"));
  EXPECT_EQ(headers.Get("Accept"), "");
}

TEST(Params, DecodesInOrder) {
  const Params params = Params::Parse("match%5B%5D=up&a=1&match[]=b+c%20d&empty&e=").value();
  EXPECT_EQ(params.All("match[]"), (std::vector<std::string>{"up", "b c d"}));
  EXPECT_EQ(params.Get("a"), "1");
  EXPECT_TRUE(params.Has("empty"));
  EXPECT_EQ(params.Get("e"), "");
  EXPECT_FALSE(params.Has("x"));
  EXPECT_EQ(params.items().size(), 5u);
}

TEST(Params, RefusesABrokenEscape) {
  EXPECT_EQ(Params::Parse("a=%2").error().kind, ErrorKind::kBadData);
  EXPECT_EQ(Params::Parse("%zz=1").error().kind, ErrorKind::kBadData);
}

TEST(Request, FormParamsGoBeforeQueryParams) {
  Request request;
  request.query = "q=1";
  request.body = "q=2&r=3";
  EXPECT_EQ(request.FormParams().value().items().size(), 1u);
  request.headers.Add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  const Params params = request.FormParams().value();
  EXPECT_EQ(params.Get("q"), "2");
  EXPECT_EQ(params.All("q").size(), 2u);
  EXPECT_EQ(params.Get("r"), "3");
}

TEST(DecodeBody, UndoesGzipAndKeepsIdentity) {
  const std::string text(100'000, 'x');
  Headers headers;
  EXPECT_EQ(DecodeBody(headers, "plain", 10).value(), "plain");
  headers.Set("Content-Encoding", "GZIP");
  EXPECT_EQ(DecodeBody(headers, GzipBody(text), 100'000).value(), text);
  EXPECT_EQ(DecodeBody(headers, GzipBody("a") + GzipBody("b"), 10).value(), "ab");
}

TEST(DecodeBody, KeepsItsLimit) {
  Headers headers;
  EXPECT_EQ(DecodeBody(headers, "12345", 4).error().kind, ErrorKind::kBadData);
  headers.Set("Content-Encoding", "gzip");
  // A small body that would grow to megabytes is stopped on the way.
  const Result<std::string> bomb =
      DecodeBody(headers, GzipBody(std::string(10'000'000, 'x')), 1000);
  EXPECT_NE(bomb.error().message.find("limit of 1000 bytes"), std::string::npos);
}

TEST(DecodeBody, RefusesBrokenAndUnknownEncodings) {
  Headers headers;
  headers.Set("Content-Encoding", "gzip");
  const std::string good = GzipBody("hello, hello, hello");
  EXPECT_FALSE(DecodeBody(headers, good.substr(0, good.size() - 3), 100));
  EXPECT_FALSE(DecodeBody(headers, "garbage", 100));
  EXPECT_FALSE(DecodeBody(headers, "", 100));
  headers.Set("Content-Encoding", "br");
  EXPECT_NE(DecodeBody(headers, good, 100).error().message.find("not supported"),
            std::string::npos);
}

TEST(DecodeBody, TakesZlibAndRawDeflate) {
  Headers headers;
  headers.Set("Content-Encoding", "deflate");
  // "hi" by zlib and, without its two-byte head and four-byte tail, raw.
  const std::string zlib("\x78\x9c\xcb\xc8\x04\x00\x01\x3b\x00\xd2", 10);
  EXPECT_EQ(DecodeBody(headers, zlib, 100).value(), "hi");
  EXPECT_EQ(DecodeBody(headers, zlib.substr(2, 4), 100).value(), "hi");
}

}  // namespace
}  // namespace vigil::http
