// SPDX-License-Identifier: Apache-2.0
// Content types.
#include "client-lib/exposition/content_type.h"

#include <gtest/gtest.h>

namespace vigil::exposition {
namespace {

TEST(ContentType, DecidesByMediaType) {
  const std::pair<const char*, Format> rows[] = {
      {"text/plain", Format::kText},
      {"text/plain; version=0.0.4; charset=utf-8; escaping=underscores", Format::kText},
      {"TEXT/Plain;version=9", Format::kText},
      {"text/plain;", Format::kText},
      {"text/plain;;charset=\"utf-8\"", Format::kText},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8", Format::kOpenMetrics},
      {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited",
       Format::kProtobuf},
      {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
       Format::kUnknown},
      {"application/vnd.google.protobuf", Format::kUnknown},
      {"text/html; charset=utf-8", Format::kUnknown},
      {"", Format::kUnknown},
      {"text/plain; version", Format::kUnknown},
      {"text/plain; version=\"0.0.4", Format::kUnknown},
      {"text/plain version=1", Format::kUnknown},
  };
  for (const auto& [header, format] : rows) {
    EXPECT_EQ(ParseContentType(header).format, format) << header;
  }
}

TEST(ContentType, KeepsParameters) {
  const ContentType type =
      ParseContentType("text/plain; Version=\"1.0\\.0\" ;escaping=allow-utf-8; charset=UTF-8");
  EXPECT_EQ(type.media_type, "text/plain");
  EXPECT_EQ(type.version, "1.0.0");
  EXPECT_EQ(type.escaping, "allow-utf-8");
  EXPECT_EQ(type.charset, "UTF-8");
}

}  // namespace
}  // namespace vigil::exposition
