// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/text_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace vigil::alerting {

TextKey KeyOfText(std::string_view text, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(text.data(), text.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace vigil::alerting
