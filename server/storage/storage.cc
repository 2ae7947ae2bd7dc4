// SPDX-License-Identifier: Apache-2.0
#include "server/storage/storage.h"

namespace vigil::storage {

std::string_view SampleVerdictText(SampleVerdict verdict) {
  switch (verdict) {
    case SampleVerdict::kAccepted:
      return "accepted";
    case SampleVerdict::kAcceptedLate:
      return "accepted out of order";
    case SampleVerdict::kDuplicateSame:
      return "repeated sample";
    case SampleVerdict::kOutOfOrder:
      return "out of order sample";
    case SampleVerdict::kTooOld:
      return "too old sample";
    case SampleVerdict::kDuplicate:
      return "duplicate sample for timestamp";
    case SampleVerdict::kOutOfBounds:
      return "out of bounds";
    case SampleVerdict::kUnknownSeries:
      return "unknown series reference";
    case SampleVerdict::kBrokenHistogram:
      return "invalid histogram: the buckets do not fit the spans";
  }
  return "unknown";
}

}  // namespace vigil::storage
