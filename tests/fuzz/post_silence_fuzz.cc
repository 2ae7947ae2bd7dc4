// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the reader of posted silences, to what is made of them, and to their check.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/alerting/matcher_parser.h"
#include "server/web/alerting_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(input), size);
  vigil::web::PostedSilence posted;
  if (vigil::web::ReadSilenceBody(body, &posted)) return 0;
  CHECK(!posted.matchers.empty());
  CHECK(vigil::IsValidUtf8(posted.comment) && vigil::IsValidUtf8(posted.created_by));
  const auto silence = vigil::web::MakeSilence(std::move(posted));
  if (!silence) return 0;
  const vigil::alerting::MatcherParser names;
  static_cast<void>(vigil::alerting::ValidateSilence(*silence, names).has_value());
  return 0;
}
