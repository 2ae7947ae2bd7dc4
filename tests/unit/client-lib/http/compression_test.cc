// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/compression.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace vigil::http {
namespace {

// zlib as the slow twin: what it compressed, the other decompresses.
std::string Compressed(std::string_view text, int window_bits) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  std::string in(text);
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

std::string Gzip(std::string_view text) { return Compressed(text, 15 + 16); }

std::string Page(size_t lines) {
  std::string page;
  for (size_t i = 0; i < lines; ++i) {
    page += "requests_total{path=\"/p/" + std::to_string(i * i) + "\"} " + std::to_string(i) + "\n";
  }
  return page;
}

std::string Decoded(Inflater::Format format, std::string_view bytes, size_t limit = SIZE_MAX) {
  Inflater inflater;
  std::string out;
  const Result<void> done = inflater.Inflate(format, bytes, limit, &out);
  if (!done) {
    EXPECT_EQ(out, "");
    return "error: " + done.error().message;
  }
  return out;
}

TEST(Inflater, GivesBackWhatWasCompressed) {
  for (const size_t lines : {0U, 1U, 100U, 50'000U}) {
    const std::string page = Page(lines);
    EXPECT_EQ(Decoded(Inflater::Format::kGzip, Gzip(page)), page);
    EXPECT_EQ(Decoded(Inflater::Format::kDeflate, Compressed(page, 15)), page);
    EXPECT_EQ(Decoded(Inflater::Format::kDeflate, Compressed(page, -15)), page);
  }
}

TEST(Inflater, TakesWhatCompressesAThousandfold) {
  const std::string zeros(3'000'000, '\0');
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, Gzip(zeros)), zeros);
}

TEST(Inflater, ReadsAllMembersOfAGzipBody) {
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, Gzip("one ") + Gzip("two ") + Gzip("three")),
            "one two three");
}

TEST(Inflater, AppendsAndCanBeUsedAgain) {
  Inflater inflater;
  std::string out = "before ";
  ASSERT_TRUE(inflater.Inflate(Inflater::Format::kGzip, Gzip("first "), 100, &out));
  ASSERT_FALSE(inflater.Inflate(Inflater::Format::kGzip, "garbage that is no gzip", 100, &out));
  ASSERT_TRUE(inflater.Inflate(Inflater::Format::kGzip, Gzip("second"), 100, &out));
  EXPECT_EQ(out, "before first second");
}

TEST(Inflater, HoldsTheLimitToTheByte) {
  const std::string page = Page(1'000);
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, Gzip(page), page.size()), page);
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, Gzip(page), page.size() - 1),
            "error: the decompressed body is larger than the limit of " +
                std::to_string(page.size() - 1) + " bytes");
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, Gzip("abc") + Gzip("def"), 5),
            "error: the decompressed body is larger than the limit of 5 bytes");
}

TEST(Inflater, RefusesWhatIsBrokenOrCutOff) {
  const std::string good = Gzip(Page(1'000));
  const std::string broken = "error: the compressed body is broken or cut off";
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, ""), broken);
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, "hello"), broken);
  for (size_t size = 0; size < good.size(); size += 97) {
    EXPECT_EQ(Decoded(Inflater::Format::kGzip, std::string_view(good).substr(0, size)), broken);
  }
  std::string wrong_sum = good;
  wrong_sum[good.size() - 6] = static_cast<char>(wrong_sum[good.size() - 6] ^ 1);
  EXPECT_EQ(Decoded(Inflater::Format::kGzip, wrong_sum), broken);
  EXPECT_EQ(Decoded(Inflater::Format::kDeflate, Compressed("abc", 15) + "more"),
            "error: data after the end of the compressed body");
}

}  // namespace
}  // namespace vigil::http
