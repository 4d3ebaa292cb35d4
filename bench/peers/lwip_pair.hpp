// lwIP, both ends in one thread, for bench-peers. It is one global, so a build of it is a set of
// functions; the program holds two builds.
#pragma once

#include "base/types.hpp"

namespace handfast::bench {

struct LwipPair {
  void (*start)();
  /// One connection carries at least `bytes`, copied in and copied out; returns how many it did.
  u64 (*bulk)(u64 bytes);
  /// Opens `slots` connections at a time, closes both ends, and so on, `count` in all.
  void (*open_close)(u32 count, u32 slots);
  /// `connections` each have one request of 64 bytes under way, and get 64 bytes back; `exchanges`
  /// in all.
  void (*exchange)(u64 exchanges, u32 connections);
};

}  // namespace handfast::bench

/// As a distribution builds it, file by file, and optimised across its files as our rooms are.
extern "C" const handfast::bench::LwipPair lwip_by_file;
extern "C" const handfast::bench::LwipPair lwip_across_files;
