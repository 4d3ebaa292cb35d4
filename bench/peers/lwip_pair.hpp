// lwIP, both ends in one thread, for bench-peers. It is one global, so this is a set of functions.
#pragma once

#include "base/types.hpp"

namespace handfast::bench::lwip_pair {

void start();

/// One connection carries at least `bytes`, copied in and copied out; returns how many it did.
u64 bulk(u64 bytes);
/// Opens `slots` connections at a time, closes both ends, and so on, `count` in all.
void open_close(u32 count, u32 slots);
/// `connections` each have one request of 64 bytes under way, and get 64 bytes back; `exchanges`
/// in all.
void exchange(u64 exchanges, u32 connections);
/// From now on `count` connections are there that nobody uses.
void keep_idle(u32 count);

}  // namespace handfast::bench::lwip_pair
