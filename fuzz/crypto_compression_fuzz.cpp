// Any bytes as a compressed certificate message: exactly as long as was said, or refused.
// Input: the algorithm, the length in two bytes, and what is compressed.
#include <algorithm>

#include "base/assert.hpp"
#include "crypto/certificate_compression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace handfast;
  using namespace handfast::crypto;
  if (size < 3) return 0;
  const auto algorithm = static_cast<CertificateCompression>(data[0] % 5);
  const u32 length = to<u32>(data[1] << 8 | data[2]);
  const Bytes compressed = Bytes(data, size).subspan(3);
  const auto unpacked = decompress(algorithm, compressed, length, 0x7fff);
  if (!unpacked) return 0;
  ASSERT(is_known(algorithm) && length <= 0x7fff && unpacked->size() == length);
  const auto again = decompress(algorithm, compress(algorithm, *unpacked), length, length);
  ASSERT(again && *again == *unpacked);
  return 0;
}
