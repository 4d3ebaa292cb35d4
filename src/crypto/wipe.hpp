// Secrets leave no trace in memory, and comparing them takes the same time wherever they differ.
#pragma once

#include "base/types.hpp"

namespace handfast::crypto {

/// Overwrites `secret` with zeros; the compiler may not leave it out.
void wipe(MutBytes secret);

/// Whether both are the same bytes, in a time that depends on their lengths alone.
bool equal_in_constant_time(Bytes a, Bytes b);

}  // namespace handfast::crypto
