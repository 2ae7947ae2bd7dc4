// SPDX-License-Identifier: Apache-2.0
// Begins anew with the same command line.
#pragma once

#include "client-lib/base/result.h"

namespace vigil::cluster {

// Replaces this process by a new one of the same program, arguments and process id: no thread goes
// on, nothing is written or sent, every descriptor but the standard ones is closed. Returns only
// when that failed. Threads: any.
Error RestartProcess();

}  // namespace vigil::cluster
