// SPDX-License-Identifier: Apache-2.0
// What the database sends: COPY output with text arrays; and text on its way there.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/strings.h"
#include "server/postgres/binary.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vigil;
  using namespace vigil::postgres;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> elements;
  CopyOutParser parser;
  const auto fed = parser.Feed(input, [&](const CopyOutParser::Fields& fields) -> Result<void> {
    for (const std::string_view field : fields) static_cast<void>(ReadTextArray(field, &elements));
    return Ok();
  });
  static_cast<void>(fed);
  static_cast<void>(ReadTextArray(input, &elements));
  std::string mended;
  if (MendText(input, &mended)) {
    CHECK(IsValidUtf8(mended) && mended.find('\0') == std::string::npos);
  }
  return 0;
}
