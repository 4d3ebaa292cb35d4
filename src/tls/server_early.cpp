// RFC 8446 §2.3, §4.2.10 and §8 as the server sees it: whether early data is taken, and its end.
#include "tls/server.hpp"

namespace handfast::tls {

/// All that the client counted on must be so again, and nobody may have sent this before. What is
/// not taken is skipped, and the client sends it again.
bool Server::takes_early_data(const ClientHello& hello, Instant now) const {
  if (!hello.early_data || !session_ || agreed().is_retried) return false;
  if (!config().takes_early_data() || session_->early_bytes_max == 0) return false;
  // "MUST have … selected the first key offered in the client's pre_shared_key extension".
  if (psk_index_ != 0 || agreed().suite->code != session_->suite) return false;
  if (agreed().protocol != session_->protocol) return false;
  bool is_taken = false;
  each_identity(*hello.psk_identities, [&](const PskIdentity& first) {
    is_taken = config().replay_guard->accept(first.identity, session_->issued,
                                             session_->age(first.obfuscated_age), now);
    return false;
  });
  return is_taken;
}

u32 Server::early_bytes_max() const {
  return agreed().early_data == EarlyData::accepted ? session_->early_bytes_max : 0;
}

Outcome Server::on_end_of_early_data(Bytes message) {
  if (message.size() != message_header_size)
    return refuse(Alert::decode_error, "EndOfEarlyData is not empty");
  transcript().add(message);
  install(Direction::read, Level::handshake, stage<ApplicationStage>().client_handshake());
  enter(State::wait_finished);
  return {};
}

}  // namespace handfast::tls
