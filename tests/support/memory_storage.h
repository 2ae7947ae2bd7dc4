// SPDX-License-Identifier: Apache-2.0
// The store of most tests.
#pragma once

#include "server/storage/memory_store.h"

namespace vigil::tests {

using MemoryStorage = storage::MemoryStore;

}  // namespace vigil::tests
