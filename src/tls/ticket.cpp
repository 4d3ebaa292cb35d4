#include "tls/ticket.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "tls/reader.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

using crypto::aead_nonce_size;
using crypto::aead_tag_size;
constexpr auto sealing = crypto::AeadAlgorithm::aes_256_gcm;

void write(Writer& writer, const SessionState& state) {
  const auto issued = to<u64>(state.issued.time_since_epoch().count());
  writer.code(state.suite);
  writer.vector8(state.psk.bytes());
  writer.number32(to<u32>(issued >> 32));
  writer.number32(to<u32>(issued));
  writer.number32(state.age_add);
  writer.vector16(as_bytes(state.server_name));
  writer.vector8(as_bytes(state.protocol));
  writer.number32(state.early_bytes_max);
  writer.vector(3, [&] {
    for (const std::vector<u8>& der : state.peer_chain) writer.vector24(der);
  });
}

SessionState read(Reader& reader) {
  SessionState state;
  state.suite = static_cast<CipherSuite>(reader.number16());
  state.psk = crypto::Secret(reader.vector8());
  const u64 high = reader.number32();
  state.issued = Instant(Duration(to<i64>(high << 32 | reader.number32())));
  state.age_add = reader.number32();
  state.server_name = as_text(reader.vector16());
  state.protocol = as_text(reader.vector8());
  state.early_bytes_max = reader.number32();
  Reader chain(reader.vector24());
  while (!chain.empty()) {
    const Bytes der = chain.vector24();
    state.peer_chain.emplace_back(der.begin(), der.end());
  }
  return state;
}

}  // namespace

SessionState SessionState::clone() const {
  return {suite, psk.clone(), issued, age_add, server_name, protocol, early_bytes_max, peer_chain};
}

TicketKeys::TicketKeys(const Config& config, crypto::Random& random, Instant now)
    : config_(config), random_(random), current_(draw(now)) {
  ASSERT(config.lifetime <= ticket_lifetime_max);
}

TicketKeys::Key TicketKeys::draw(Instant now) {
  Key key{{}, crypto::Secret(key_size(sealing)), now};
  random_.fill(key.name);
  random_.fill(key.secret.room());
  return key;
}

std::vector<u8> TicketKeys::seal(const SessionState& state, Instant now) {
  // A key seals for one lifetime and opens for one more.
  if (now >= after(current_.made, config_.lifetime)) {
    previous_ = std::exchange(current_, draw(now));
  }
  Writer writer;
  write(writer, state);
  std::vector<u8> plain = writer.finish();
  crypto::AeadNonce nonce;
  random_.fill(nonce);
  std::vector<u8> ticket(name_size + aead_nonce_size + plain.size() + aead_tag_size);
  std::ranges::copy(current_.name, ticket.begin());
  std::ranges::copy(nonce, ticket.begin() + name_size);
  crypto::Aead(sealing, crypto::Aead::Use::seal, current_.secret.bytes())
      .seal(nonce, current_.name, plain, {}, MutBytes(ticket).subspan(name_size + aead_nonce_size));
  crypto::wipe(plain);
  if (ticket.size() > config_.ticket_bytes_max) ticket.clear();
  return ticket;
}

std::optional<SessionState> TicketKeys::open(Bytes ticket, Instant now) const {
  if (ticket.size() < name_size + aead_nonce_size + aead_tag_size) return std::nullopt;
  const Bytes name = ticket.first(name_size);
  const Key* key = nullptr;
  if (std::ranges::equal(name, current_.name)) key = &current_;
  if (previous_ && std::ranges::equal(name, previous_->name)) key = &*previous_;
  if (key == nullptr) return std::nullopt;
  crypto::AeadNonce nonce;
  std::ranges::copy(ticket.subspan(name_size, aead_nonce_size), nonce.begin());
  const Bytes sealed = ticket.subspan(name_size + aead_nonce_size);
  std::vector<u8> plain(sealed.begin(), sealed.end());
  crypto::Aead opener(sealing, crypto::Aead::Use::open, key->secret.bytes());
  if (!opener.open(nonce, name, plain)) return std::nullopt;
  Reader reader(Bytes(plain).first(plain.size() - aead_tag_size));
  std::optional<SessionState> state = read(reader);
  ASSERT(reader.done());  // only we could have sealed it
  crypto::wipe(plain);
  if (now < state->issued || now >= after(state->issued, config_.lifetime)) state.reset();
  return state;
}

}  // namespace handfast::tls
