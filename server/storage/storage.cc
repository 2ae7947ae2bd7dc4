// SPDX-License-Identifier: Apache-2.0
#include "server/storage/storage.h"

namespace vigil::storage {

std::string_view SampleVerdictText(SampleVerdict verdict) {
  switch (verdict) {
    case SampleVerdict::kAccepted:
      return "accepted";
    case SampleVerdict::kDuplicateSame:
      return "repeated sample";
    case SampleVerdict::kOutOfOrder:
      return "out of order sample";
    case SampleVerdict::kDuplicate:
      return "duplicate sample for timestamp";
    case SampleVerdict::kOutOfBounds:
      return "out of bounds";
    case SampleVerdict::kUnknownSeries:
      return "unknown series reference";
  }
  return "unknown";
}

}  // namespace vigil::storage
