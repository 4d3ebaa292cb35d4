// In a steady state a record reaches the heap neither on its way out nor on its way in: operator
// new is counted in this program, and what libcrypto allocates.
#include <array>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "tls/expect.hpp"

#if !defined(__SANITIZE_ADDRESS__)
#include "support/counted_allocations.hpp"

namespace {

using handfast::test::allocations;
using handfast::test::count_and_allocate;

// libcrypto takes them only before its first allocation.
const bool libcrypto_is_counted =
    CRYPTO_set_mem_functions(
        [](std::size_t size, const char*, int) { return count_and_allocate(size); },
        [](void* memory, std::size_t size, const char*, int) {
          ++allocations;
          return std::realloc(memory, size);
        },
        [](void* memory, const char*, int) { std::free(memory); }) == 1;

}  // namespace

namespace handfast::tls {
namespace {

constexpr Instant now{1h};

/// `count` records of `size` bytes from one end to the other.
void pass(Session& from, Session& into, u32 size, u32 count, std::vector<u8>& room) {
  static const std::array<u8, fragment_max> text{};
  for (u32 i = 0; i < count; ++i) {
    const auto sealed = from.seal(Bytes(text).first(size), room);
    ASSERT_EQ(sealed.taken, size);
    ASSERT_TRUE(into.feed(MutBytes(room).first(sealed.written), now).has_value());
    ASSERT_EQ(into.plaintext().size(), size);
    into.consume(size);
  }
}

void expect_no_allocation(CipherSuite suite) {
  Configs configs;
  configs.client.suites = {suite};
  configs.client.version_max = find_suite(suite)->version;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  std::vector<u8> room(record_size_max);
  pass(talk.client, talk.server, 1, 2, room);
  pass(talk.server, talk.client, 1, 2, room);
  const u64 before = allocations;
  for (const u32 size : {1U, 100U, 1400U, fragment_max}) {
    pass(talk.client, talk.server, size, 100, room);
    pass(talk.server, talk.client, size, 100, room);
  }
  EXPECT_EQ(allocations - before, 0U) << to_string(suite);
}

TEST(Records, in_a_steady_state_take_nothing_from_the_heap) {
  ASSERT_TRUE(libcrypto_is_counted);
  ASSERT_GT(allocations, 0U);
  for (const CipherSuite suite :
       {CipherSuite::aes_128_gcm_sha256, CipherSuite::aes_256_gcm_sha384,
        CipherSuite::chacha20_poly1305_sha256, CipherSuite::ecdsa_aes_128_gcm_sha256,
        CipherSuite::ecdsa_chacha20_poly1305_sha256})
    expect_no_allocation(suite);
}

}  // namespace
}  // namespace handfast::tls

#endif
