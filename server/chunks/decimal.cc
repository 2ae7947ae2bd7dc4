// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/decimal.h"

namespace vigil::chunks {

bool FractionToDecimal(double value, Decimal* out) {
  // Whatever decimal with fewer digits there is also passes the test with most digits, because
  // both divisions round the same quotient: one test decides, then zeros are taken off.
  unsigned exponent = kMaxDecimalExponent;
  int64_t mantissa = 0;
  if (!ToDecimalWith(value, exponent, &mantissa)) {
    // For large values the test with six digits is out of range.
    if (std::fabs(value) < kExactLimit / 4e6) return false;
    exponent = 3;
    if (!ToDecimalWith(value, exponent, &mantissa)) {
      exponent = 1;
      if (!ToDecimalWith(value, exponent, &mantissa)) return false;
    }
  }
  if (exponent > 3 && mantissa % 1000 == 0) {
    mantissa /= 1000;
    exponent -= 3;
  }
  while (exponent > 0 && mantissa % 10 == 0) {
    mantissa /= 10;
    --exponent;
  }
  *out = {mantissa, exponent};
  return true;
}

}  // namespace vigil::chunks
