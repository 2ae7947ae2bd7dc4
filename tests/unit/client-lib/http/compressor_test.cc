// SPDX-License-Identifier: Apache-2.0
// Answers are compressed as asked for; a second decoder reads them.
#include <gtest/gtest.h>
#include <zstd.h>

#include "client-lib/http/compression.h"

namespace vigil::http {
namespace {

std::string Text() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * i) + "\n";
  return text;
}

std::string Compressed(Compressor& compressor, Coding coding, std::string_view text) {
  std::string out;
  compressor.Start(coding);
  // In uneven pieces: streams come that way.
  for (size_t at = 0; at < text.size(); at += 7'777) {
    compressor.Add(text.substr(at, 7'777), false, &out);
  }
  compressor.Add({}, true, &out);
  return out;
}

std::string Unpacked(Coding coding, std::string_view bytes) {
  std::string out;
  if (coding == Coding::kZstd) {
    out.resize(4 << 20);
    const size_t size = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
    EXPECT_FALSE(ZSTD_isError(size));
    out.resize(size);
    return out;
  }
  Inflater inflater;
  const auto format =
      coding == Coding::kGzip ? Inflater::Format::kGzip : Inflater::Format::kDeflate;
  EXPECT_TRUE(inflater.Inflate(format, bytes, 4 << 20, &out).has_value());
  return out;
}

TEST(Compressor, RoundTripsAndCanBeUsedAgain) {
  Compressor compressor;
  const std::string text = Text();
  for (int round = 0; round < 2; ++round) {
    for (const Coding coding : {Coding::kGzip, Coding::kDeflate, Coding::kZstd}) {
      const std::string small = Compressed(compressor, coding, text);
      EXPECT_LT(small.size(), text.size() / 2) << CodingName(coding);
      EXPECT_EQ(Unpacked(coding, small), text) << CodingName(coding);
      EXPECT_EQ(Unpacked(coding, Compressed(compressor, coding, "")), "");
    }
  }
}

TEST(ChooseCoding, TakesTheHighestQuality) {
  const auto name = [](std::string_view header) { return CodingName(ChooseCoding(header)); };
  EXPECT_EQ(name(""), "identity");
  EXPECT_EQ(name("identity"), "identity");
  EXPECT_EQ(name("br"), "identity");
  EXPECT_EQ(name("gzip"), "gzip");
  EXPECT_EQ(name("GZip"), "gzip");
  EXPECT_EQ(name("x-gzip"), "gzip");
  EXPECT_EQ(name("*"), "gzip");
  EXPECT_EQ(name("deflate"), "deflate");
  EXPECT_EQ(name("gzip, deflate, br, zstd"), "zstd");
  EXPECT_EQ(name("deflate, gzip;q=0.5"), "deflate");
  EXPECT_EQ(name("deflate, gzip"), "gzip");
  EXPECT_EQ(name("zstd;q=0.5, gzip;q=0.8"), "gzip");
  EXPECT_EQ(name("zstd ; Q=0.25 , gzip;q=0.2"), "zstd");
  EXPECT_EQ(name("gzip;q=1.0, identity; q=0.5, *;q=0"), "gzip");
  EXPECT_EQ(name("identity, gzip;q=0.5"), "identity");
}

TEST(ChooseCoding, NeverTakesWhatIsRefused) {
  const auto name = [](std::string_view header) { return CodingName(ChooseCoding(header)); };
  EXPECT_EQ(name("gzip;q=0"), "identity");
  EXPECT_EQ(name("gzip; q=0.000, br"), "identity");
  EXPECT_EQ(name("*;q=0"), "identity");
  EXPECT_EQ(name("gzip;q=0, *"), "identity");
  EXPECT_EQ(name("gzip;q=x"), "identity");
  EXPECT_EQ(name("zstd;q=0, gzip"), "gzip");
}

}  // namespace
}  // namespace vigil::http
