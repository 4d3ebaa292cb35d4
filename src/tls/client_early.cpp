// RFC 8446 §2.3 and §4.2.10 as the client sees it: data under a ticket's secret, before the server
// has said a word.
#include <algorithm>

#include "tls/client.hpp"

namespace handfast::tls {

/// §4.2.10: the server must choose the ticket's suite and protocol again. The hello that answers a
/// HelloRetryRequest offers none.
bool Client::may_offer_early_data() const {
  if (!config().offers_early_data || config().is_quic() || retry_suite_ ||
      !offers_ticket(Version::tls_1_3))
    return false;
  const auto has = [](const auto& list, const auto& it) {
    return std::ranges::find(list, it) != list.end();
  };
  return ticket_->early_bytes_max > 0 && has(config().suites, ticket_->suite) &&
         (ticket_->protocol.empty() || has(config().protocols, ticket_->protocol));
}

/// The ClientHello went out.
void Client::begin_early_data() {
  if (!offered_.early_data || !offered_.psk_identities || !ticket_ || hellos_sent_ > 1) return;
  agreed().early_data = EarlyData::offered;
  agreed().early_protocol = ticket_->protocol;
  // Appendix D.4: "the record is placed immediately after the first ClientHello".
  if (disguises()) act(SendChangeCipherSpec{});
  const Suite& suite = *find_suite(ticket_->suite);
  EarlyStage early(suite.hash, ticket_->psk.bytes());
  install_early_keys(Direction::write, suite, early, transcript().digest_with(suite.hash, {}));
}

/// EncryptedExtensions came, and nothing before them rejected the early data.
Outcome Client::on_early_answer(bool is_accepted) {
  if (!is_accepted) {
    agreed().early_data = EarlyData::rejected;
    install(Direction::write, Level::handshake, stage<HandshakeStage>().client_traffic());
    return {};
  }
  if (agreed().suite->code != ticket_->suite)
    return refuse(Alert::illegal_parameter,
                  "the server takes early data, but not the cipher suite that it was sent by");
  if (agreed().protocol != ticket_->protocol)
    return refuse(Alert::illegal_parameter,
                  "the server takes early data, but not the protocol that it was written in");
  agreed().early_data = EarlyData::accepted;
  return {};
}

/// §4.5: the last message under the early data's keys.
void Client::end_early_data() {
  send(emit_plain(HandshakeType::end_of_early_data, {}));
  install(Direction::write, Level::handshake, stage<ApplicationStage>().client_handshake());
}

}  // namespace handfast::tls
