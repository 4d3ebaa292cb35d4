// Any bytes, cut anywhere, to both roles of a session: a value or a refusal, never more taken than
// given. With the first bit set, a whole handshake in which the bytes change what goes over the
// wire: where both ends finish all the same, they must have the same keys. With the second bit too
// it is one of TLS 1.2.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "crypto/certificate_builder.hpp"
#include "tls/session.hpp"

namespace {

using namespace handfast;

constexpr Instant now{1h};

struct World {
  tls::Config client;
  tls::Config client12;  // of TLS 1.2 alone
  tls::Config server;
  World() {
    auto key = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    crypto::CertificateTemplate wanted;
    wanted.dns = {"a.example"};
    wanted.not_after = WallTime(std::chrono::years{40});
    const auto certificate = crypto::issue(wanted, key.public_key(), nullptr, key);
    server.identities.push_back(*tls::Identity::make({certificate->der()}, std::move(key)));
    client.message_bytes_max = client12.message_bytes_max = server.message_bytes_max = 4096;
    client12.version_max = tls::Version::tls_1_2;
  }
};
const World& world() {
  static const World one;
  return one;
}

void answer(tls::Session& session) {
  while (const auto event = session.poll_event())
    if (std::holds_alternative<tls::NeedVerdict>(*event)) (void)session.on_verdict({}, now);
}

/// Hands `bytes` to `session` in pieces of `piece`, and drops what it has to say.
void feed_pieces(tls::Session& session, Bytes bytes, std::size_t piece) {
  std::vector<u8> buffer;
  std::vector<u8> room(4096);
  while (!bytes.empty() && !session.error()) {
    const std::size_t n = std::min(piece, bytes.size());
    buffer.insert(buffer.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    for (;;) {
      const auto taken = session.feed(buffer, now);
      ASSERT(!taken || *taken <= buffer.size());
      if (!taken || *taken == 0) break;
      session.consume(to<u32>(session.plaintext().size()));
      buffer.erase(buffer.begin(), buffer.begin() + *taken);
      answer(session);
    }
  }
  while (session.take(room) > 0) continue;
  ASSERT(!session.is_connected());
}

/// Carries what `from` has to say to `into`, changed by three bytes of `changes` where they say.
void carry(tls::Session& from, tls::Session& into, Bytes& changes) {
  std::vector<u8> bytes(20000);
  bytes.resize(from.take(bytes));
  while (changes.size() >= 3 && !bytes.empty()) {
    const std::size_t at = load_be16(changes.data()) % bytes.size();
    const u8 flip = changes[2];
    changes = changes.subspan(3);
    if (flip == 0) break;  // the next ones are for what comes later
    bytes[at] ^= flip;
  }
  std::vector<u8> rest = bytes;
  for (;;) {
    const auto taken = into.feed(rest, now);
    answer(into);
    if (!taken || *taken == 0) break;
    rest.erase(rest.begin(), rest.begin() + *taken);
  }
}

void change_handshake(const tls::Config& config, Bytes changes) {
  crypto::SeededRandom random(as_bytes("seed"));
  tls::Session client = tls::Session::client(config, "a.example", random, {}, now);
  tls::Session server = tls::Session::server(world().server, random);
  for (u32 i = 0; i < 3; ++i) {
    carry(client, server, changes);
    carry(server, client, changes);
  }
  if (!client.is_connected() || !server.is_connected()) return;
  // Whatever was changed, both ends saw the same messages: their keys must agree.
  std::vector<u8> one(32);
  std::vector<u8> other(32);
  client.export_keying_material("EXPORTER-fuzz", {}, one);
  server.export_keying_material("EXPORTER-fuzz", {}, other);
  ASSERT(one == other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes(data + 1, size - 1);
  if ((data[0] & 1) != 0) {
    change_handshake((data[0] & 2) == 0 ? world().client : world().client12, bytes);
    return 0;
  }
  const std::size_t piece = std::size_t{1} << (data[0] >> 1 & 0xf);
  crypto::SeededRandom random(as_bytes("seed"));
  tls::Session server = tls::Session::server(world().server, random);
  feed_pieces(server, bytes, piece);
  tls::Session client = tls::Session::client(world().client, "a.example", random, {}, now);
  feed_pieces(client, bytes, piece);
  return 0;
}
