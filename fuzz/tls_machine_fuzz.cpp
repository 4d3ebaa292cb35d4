// Both roles of both versions without records, so that nothing but the handshake itself stands
// between the input and each state: a whole handshake whose messages are changed, cut, made longer,
// dropped, doubled or renamed. Whatever was changed, it never ends well at both ends.
#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "crypto/certificate_builder.hpp"
#include "tls/client.hpp"
#include "tls/server.hpp"

namespace {

using namespace handfast;

constexpr Instant now{1h};
constexpr std::string_view name = "a.example";

tls::Identity identity(crypto::KeyType type, crypto::CertificateRole role) {
  auto key = *crypto::PrivateKey::generate(type);
  crypto::CertificateTemplate wanted;
  wanted.role = role;
  wanted.dns = {std::string(name)};
  wanted.not_after = WallTime(std::chrono::years{40});
  const auto certificate = crypto::issue(wanted, key.public_key(), nullptr, key);
  return *tls::Identity::make({certificate->der()}, std::move(key));
}

enum class Kind : u8 {
  tls13,
  tls13_retried,
  tls13_with_client_certificate,
  tls12,
  tls12_with_client_certificate,
  dhe,
  key_transport,
  count,
};

struct World {
  tls::Config client;
  tls::Config server;

  explicit World(Kind kind) {
    const bool is_rsa = kind == Kind::dhe || kind == Kind::key_transport;
    server.identities.push_back(identity(is_rsa ? crypto::KeyType::rsa : crypto::KeyType::ed25519,
                                         crypto::CertificateRole::server));
    server.identities[0].set_ocsp_response({1, 2, 3});
    client.protocols = server.protocols = {"http/1.1"};
    if (kind >= Kind::tls12) client.version_max = tls::Version::tls_1_2;
    if (kind == Kind::tls13_retried) server.groups = {crypto::Group::secp256r1};
    if (kind == Kind::dhe)
      client.suites = server.suites = {tls::dhe_suites.begin(), tls::dhe_suites.end()};
    if (kind == Kind::key_transport)
      client.suites =
          server.suites = {tls::rsa_transport_suites.begin(), tls::rsa_transport_suites.end()};
    if (kind == Kind::tls13_with_client_certificate ||
        kind == Kind::tls12_with_client_certificate) {
      server.client_auth = tls::ClientAuth::request;
      client.identities.push_back(
          identity(crypto::KeyType::ed25519, crypto::CertificateRole::client));
    }
  }
};

const World& world(Kind kind) {
  static std::array<std::optional<World>, static_cast<std::size_t>(Kind::count)> all;
  auto& one = all[to<u8>(kind)];
  if (!one) one.emplace(kind);
  return *one;
}

/// What is done to one message, five bytes of the input.
struct Change {
  enum class What : u8 { flip, cut, lengthen, drop, repeat, rename, count };
  u8 message;
  What what;
  u16 place;
  u8 value;

  static std::optional<Change> read(Bytes& input) {
    if (input.size() < 5) return std::nullopt;
    const Change change{input[0], static_cast<What>(input[1] % to<u8>(What::count)),
                        load_be16(&input[2]), input[4]};
    input = input.subspan(5);
    return change;
  }
};

using Messages = std::deque<std::vector<u8>>;  // an empty one is a ChangeCipherSpec

void set_length(std::vector<u8>& message) {
  const std::size_t size = message.size() - tls::message_header_size;
  for (u32 i = 0; i < 3; ++i) message[1 + i] = to<u8>(size >> (8 * (2 - i)));
}

/// Does it to the first of `messages`.
void do_to_first(const Change& change, Messages& messages) {
  std::vector<u8>& message = messages.front();
  const std::size_t body = message.size() - std::min<std::size_t>(message.size(), 4);
  switch (change.what) {
    case Change::What::flip:
      if (body > 0) message[4 + change.place % body] ^= change.value;
      return;
    case Change::What::cut:
      if (body == 0) return;
      message.resize(4 + change.place % body);
      return set_length(message);
    case Change::What::lengthen:
      if (message.empty()) return;
      message.insert(message.end(), 1 + change.place % 64, change.value);
      return set_length(message);
    case Change::What::drop: return messages.pop_front();
    case Change::What::repeat: return messages.push_front(std::vector<u8>(message));
    case Change::What::rename:
      if (!message.empty()) message[0] = change.value;
      return;
    case Change::What::count: return;
  }
}

/// One direction.
struct Way {
  Messages sent;
  Messages waiting;  // some of them are changed
  Messages got;
};

void gather(tls::Handshake& from, Way& way) {
  while (auto action = from.poll_action()) {
    std::vector<u8> bytes;
    if (auto* message = std::get_if<tls::SendMessage>(&*action))
      bytes = std::move(message->bytes);
    else if (!std::holds_alternative<tls::SendChangeCipherSpec>(*action) ||
             from.summary().version != tls::Version::tls_1_2)
      continue;
    way.sent.push_back(bytes);
    way.waiting.push_back(std::move(bytes));
  }
}

/// False where `end` refuses.
template <class End>
bool deliver(End& end, Way& way) {
  const std::vector<u8> message = std::move(way.waiting.front());
  way.waiting.pop_front();
  way.got.push_back(message);
  if (!message.empty()) return end.on_message(message, now).has_value();
  if (end.state() != tls::State::wait_change_cipher_spec) return false;
  end.on_change_cipher_spec();
  return true;
}

bool is_waiting(const tls::Handshake& end) { return end.state() == tls::State::wait_verdict; }
bool is_connected(const tls::Handshake& end) { return end.state() == tls::State::connected; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const World& here = world(static_cast<Kind>(data[0] % to<u8>(Kind::count)));
  Bytes input(data + 1, size - 1);
  crypto::SeededRandom random(as_bytes("seed"));
  tls::Client client(here.client, name, random, {}, now);
  tls::Server server(here.server, random);
  Way to_client;
  Way to_server;
  std::optional<Change> change = Change::read(input);
  constexpr u32 messages_max = 40;
  for (u32 n = 0; n < messages_max; ++n) {
    if (is_waiting(client)) (void)client.on_verdict({});
    if (is_waiting(server)) (void)server.on_verdict({});
    gather(client, to_server);
    gather(server, to_client);
    Way& next = to_client.waiting.empty() ? to_server : to_client;
    for (; change && change->message == n && !next.waiting.empty(); change = Change::read(input))
      do_to_first(*change, next.waiting);
    if (next.waiting.empty()) break;
    const bool is_good = &next == &to_client ? deliver(client, next) : deliver(server, next);
    if (!is_good) return 0;
  }
  const bool is_changed = to_client.sent != to_client.got || to_server.sent != to_server.got;
  ASSERT((is_connected(client) && is_connected(server)) != is_changed);
  return 0;
}
