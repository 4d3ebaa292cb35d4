// Handfast against the kernel's own TCP over a TUN device with super-segments, beside a bare loop
// over such a device: what the device alone would carry.
#pragma once

#include <optional>

namespace handfast::bench {

/// Bytes for each second of CPU time that our thread spent.
struct TunRates {
  double out = 0;
  double in = 0;
  double bare_out = 0;
  double bare_heard = 0;  // what of that a process on the other core hears that takes it
  double bare_taken = 0;  // where it is a connection, whose socket that process reads
  double bare_in = 0;
};

/// None where the process may not make a network namespace. It stays in the one that it makes.
std::optional<TunRates> measure_tun();

}  // namespace handfast::bench
