// SPDX-License-Identifier: Apache-2.0
// A scan node for decode_chunk() in FROM: its rows go from the decoder to whoever asks for them.
// PostgreSQL's own node for functions puts all rows into a store first and reads them back, which
// takes several times as long as decoding.
#pragma once

#include <postgres.h>

// Makes the planner see it. To be called once, when the library is loaded.
void VigilInstallDecodeScan(void);
