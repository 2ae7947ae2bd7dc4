// SPDX-License-Identifier: Apache-2.0
// Names of the error kinds and the end of the process when an invariant is broken.
#include "client-lib/base/result.h"

#include <cstdio>

namespace vigil {

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kBadData:
      return "bad_data";
    case ErrorKind::kExecution:
      return "execution";
    case ErrorKind::kCanceled:
      return "canceled";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kNotAcceptable:
      return "not_acceptable";
    case ErrorKind::kInternal:
      return "internal";
    case ErrorKind::kUnavailable:
      return "unavailable";
  }
  return "internal";
}

Error Error::Prefixed(std::string_view context) const {
  std::string text;
  text.reserve(context.size() + 2 + message.size());
  text.append(context).append(": ").append(message);
  return {kind, std::move(text)};
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace vigil
