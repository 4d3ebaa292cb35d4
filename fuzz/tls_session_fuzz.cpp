// Any bytes, cut anywhere, to both roles of a session: a value or a refusal, never more taken than
// given. With the first bit set, a whole handshake in which the bytes change what goes over the
// wire: where both ends finish all the same, they must have the same keys. With the second bit too
// it is one of TLS 1.2; with the third, one that resumes a session with early data, which the
// server has whole or not at all, and both ends know which.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  crypto::SeededRandom random{as_bytes("tickets")};
  tls::TicketKeys keys{{}, random, now};
  World() {
    auto key = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
    crypto::CertificateTemplate wanted;
    wanted.dns = {"a.example"};
    wanted.not_after = WallTime(std::chrono::years{40});
    const auto certificate = crypto::issue(wanted, key.public_key(), nullptr, key);
    server.identities.push_back(*tls::Identity::make({certificate->der()}, std::move(key)));
    client.message_bytes_max = client12.message_bytes_max = server.message_bytes_max = 4096;
    client12.version_max = tls::Version::tls_1_2;
    client.offers_early_data = true;
    server.ticket_keys = &keys;
    server.early_bytes_max = 1000;  // where a run has a replay guard
  }
};
World& world() {
  static World one;
  return one;
}

void answer(tls::Session& session, std::optional<tls::Ticket>* ticket = nullptr) {
  while (auto event = session.poll_event()) {
    if (std::holds_alternative<tls::NeedVerdict>(*event)) (void)session.on_verdict({}, now);
    auto* came = std::get_if<tls::TicketReceived>(&*event);
    if (came != nullptr && ticket != nullptr) *ticket = std::move(came->ticket);
  }
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

/// What is sent ahead, what comes of it, and the ticket that a client gets.
struct Early {
  std::string_view sent;
  std::string got;
  std::optional<tls::Ticket> ticket;
};

/// Carries what `from` has to say to `into`, changed by three bytes of `changes` where they say.
void carry(tls::Session& from, tls::Session& into, Bytes& changes, Early& early) {
  std::vector<u8> bytes(20000);
  u32 n = from.take(bytes);
  if (from.early_room() > 0) {
    const auto sealed = from.seal_early(as_bytes(early.sent), MutBytes(bytes).subspan(n));
    early.sent.remove_prefix(sealed.taken);
    n += sealed.written;
  }
  bytes.resize(n);
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
    early.got += as_text(into.plaintext());
    into.consume(to<u32>(into.plaintext().size()));
    answer(into, &early.ticket);
    if (!taken || *taken == 0) break;
    rest.erase(rest.begin(), rest.begin() + *taken);
  }
}

void carry_all(tls::Session& client, tls::Session& server, Bytes changes, Early& early) {
  for (u32 i = 0; i < 3; ++i) {
    carry(client, server, changes, early);
    carry(server, client, changes, early);
  }
}

void change_handshake(const tls::Config& config, Bytes changes, Early early = {}) {
  crypto::SeededRandom random(as_bytes("seed"));
  const std::string_view text = early.sent;
  tls::Session client =
      tls::Session::client(config, "a.example", random, std::exchange(early.ticket, {}), now);
  tls::Session server = tls::Session::server(world().server, random);
  carry_all(client, server, changes, early);
  ASSERT(early.got.empty() || early.got == text);
  if (!client.is_connected() || !server.is_connected()) return;
  ASSERT(client.summary().early_data == server.summary().early_data);
  ASSERT(early.got.empty() == (server.summary().early_data != tls::EarlyData::accepted));
  // Whatever was changed, both ends saw the same messages: their keys must agree.
  std::vector<u8> one(32);
  std::vector<u8> other(32);
  client.export_keying_material("EXPORTER-fuzz", {}, one);
  server.export_keying_material("EXPORTER-fuzz", {}, other);
  ASSERT(one == other);
}

/// A handshake as it should be, for a ticket; then one with early data.
void change_early_data(Bytes changes) {
  crypto::SeededRandom random(as_bytes("first"));
  tls::ReplayGuard guard({.tickets_max = 16}, random, now);
  world().server.replay_guard = &guard;
  tls::Session client = tls::Session::client(world().client, "a.example", random, {}, now);
  tls::Session server = tls::Session::server(world().server, random);
  Early early;
  carry_all(client, server, {}, early);
  ASSERT(early.ticket && early.ticket->early_bytes_max > 0);
  early.sent = "early";
  change_handshake(world().client, changes, std::move(early));
  world().server.replay_guard = nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes(data + 1, size - 1);
  if ((data[0] & 5) == 5) {
    change_early_data(bytes);
    return 0;
  }
  if ((data[0] & 1) != 0) {
    const bool is_old = (data[0] & 2) != 0;
    change_handshake(is_old ? world().client12 : world().client, bytes);
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
