// Which seeds a test runs, and the words that replay one.
#pragma once

#include <cstdlib>
#include <string>

#include "base/types.hpp"

namespace handfast::test {

/// The half-open range of seeds that shard `shard` of `shards` runs: HANDFAST_SEEDS in all where
/// it is set, else `count`, or a tenth of it under a sanitizer. HANDFAST_SEED=n runs n alone.
struct SeedRange {
  u64 first = 0;
  u64 last = 0;
};

inline u64 number_from_environment(const char* name, u64 otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// One seed is run again: show what happens.
inline bool is_replay() { return number_from_environment("HANDFAST_SEED", ~u64{0}) != ~u64{0}; }

inline SeedRange seeds_of_shard(u64 shard, u64 shards, u64 count) {
#if defined(__SANITIZE_ADDRESS__)
  count /= 10;
#endif
  const u64 one = number_from_environment("HANDFAST_SEED", ~u64{0});
  if (one != ~u64{0}) return shard == 0 ? SeedRange{one, one + 1} : SeedRange{};
  count = number_from_environment("HANDFAST_SEEDS", count);
  return {count * shard / shards, count * (shard + 1) / shards};
}

/// What to type to see one seed fail again. `suite` is the GoogleTest filter up to the shard.
inline std::string replay_command(u64 seed, const std::string& program, const std::string& suite) {
  return "to replay: HANDFAST_SEED=" + std::to_string(seed) + " build/release/bin/" + program +
         " --gtest_filter='" + suite + "/0'";
}

}  // namespace handfast::test
