// RFC 8446 §4: what both ends of a handshake have in common. Messages in, actions out; records, or
// QUIC's frames, are somebody else's.
#pragma once

#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/random.hpp"
#include "tls/alert.hpp"
#include "tls/config.hpp"
#include "tls/event.hpp"
#include "tls/key_schedule.hpp"
#include "tls/master_secret.hpp"
#include "tls/messages.hpp"
#include "tls/state.hpp"
#include "tls/transcript.hpp"

namespace handfast::tls {

using Outcome = Result<void, Error>;

class Handshake {
 public:
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  /// Takes the next thing to do, in order.
  std::optional<Action> poll_action();
  /// Answers NeedVerdict: the error is what the peer hears.
  Outcome on_verdict(Outcome verdict);
  /// Answers NeedSignature; empty where it could not be made.
  Outcome on_signature(Bytes signature);
  /// TLS 1.2: the peer's ChangeCipherSpec came, where State::wait_change_cipher_spec waits for it.
  void on_change_cipher_spec();
  /// Somebody outside is asked: no message may come in before the answer.
  bool is_waiting() const;

  Role role() const { return machine_.role(); }
  State state() const { return machine_.state(); }
  const Machine& machine() const { return machine_; }
  const Summary& summary() const { return summary_; }
  /// Something went wrong: nothing more will happen here.
  void fail(std::string_view why) {
    machine_.fail(why);
    on_failed();
  }

  /// RFC 8446 §7.5 and RFC 5705. Only when connected.
  void export_keying_material(std::string_view label, std::optional<Bytes> context, MutBytes out);
  /// §4.6.3: new keys for what we send, and where asked for, for what the peer sends. Only when
  /// connected.
  void update_keys(bool request_peer);
  /// The peer wants new keys for what we send, before we send more of the application's.
  bool owes_key_update() const { return owes_key_update_; }

 protected:
  Handshake(Role role, const Config& config, crypto::Random& random, trace::StreamSink* sink)
      : machine_(role, sink), config_(config), random_(random) {
    ASSERT(!config.is_quic() || config.version_min == Version::tls_1_3);
  }
  ~Handshake() = default;

  const Config& config() const { return config_; }
  crypto::Random& entropy() { return random_; }
  void enter(State to) { machine_.enter(to); }
  Transcript& transcript() { return transcript_; }
  const Transcript& transcript() const { return transcript_; }
  Summary& agreed() { return summary_; }
  const Summary& agreed() const { return summary_; }

  template <class T>
  void act(T action) {
    actions_.emplace_back(std::move(action));
  }
  /// Adds a message to the transcript and sends it.
  void send(std::vector<u8> message);
  /// What is sent from here on is not protected again.
  void drop_keys();
  void install(Direction direction, Level level, const crypto::Secret& secret);
  /// §7.1: the client's keys for early data. `hello` is the whole transcript so far.
  void install_early_keys(Direction direction, const Suite& suite, EarlyStage& early,
                          Bytes hello_hash);
  void log_secret(std::string_view label, const crypto::Secret& secret);
  void set_client_random(Bytes random) { client_random_.assign(random.begin(), random.end()); }

  template <class Stage>
  void set_stage(Stage stage) {
    stage_.emplace<Stage>(std::move(stage));
    if (machine_.sink() != nullptr) tell_secrets(Stage::name);
  }
  template <class Stage>
  Stage& stage() {
    Stage* held = std::get_if<Stage>(&stage_);
    ASSERT(held != nullptr);
    return *held;
  }
  /// Both hellos are there: keys for the handshake.
  void enter_handshake_keys(EarlyStage early, Bytes shared);
  /// The server's Finished is there: derives the application's keys, installs none.
  void derive_application_keys();

  // The peer's certificate and signature, §4.4.2 and §4.4.3.
  /// The body of a Certificate, or of what a CompressedCertificate unpacks to; until the next call.
  Result<Bytes, Error> certificate_body(Bytes message);
  Outcome on_certificate(const CertificateMessage& message);
  Outcome on_certificate_verify(Bytes message);
  /// Whether the peer signed `content`, by a scheme that we offered and its key has.
  Outcome check_signature(crypto::SignatureScheme scheme, Bytes content, Bytes signature);
  const crypto::PublicKey& peer_key() const { return *peer_key_; }
  /// Its certificate lets its key decrypt what we make up.
  bool may_peer_decipher() const { return may_peer_decipher_; }
  // Ours.
  /// `compressions` is what the peer unpacks.
  void send_certificate(const Identity* identity, bool with_ocsp,
                        const CodeList<crypto::CertificateCompression>& compressions = {});
  /// Asks for a signature over `content`: the key itself, or whoever has it.
  Outcome ask_for_signature(const Identity& identity, crypto::SignatureScheme scheme,
                            std::vector<u8> content);
  /// What TLS 1.3 signs: all so far.
  std::vector<u8> content_to_sign() const;
  void send_certificate_verify(Bytes signature);
  crypto::SignatureScheme scheme_asked() const { return *scheme_asked_; }

  Outcome on_key_update(Bytes body);

  // TLS 1.2.
  void speak(Version version) {
    summary_.version = version;
    machine_.speak(version);
  }
  Bytes client_random() const { return client_random_; }
  void log_master();
  /// Sends ChangeCipherSpec and Finished.
  void send_finished12();
  /// Whether `message` is the peer's Finished.
  Outcome check_finished12(Bytes message);

 private:
  /// The peer is who it must be.
  virtual Outcome on_accepted() = 0;
  /// What this connection knew is not to be used again.
  virtual void on_failed() {}
  /// We have what ask_for_signature() asked for.
  virtual Outcome on_signed(Bytes signature) = 0;

  void tell_secrets(std::string_view name) const;

  Machine machine_;
  const Config& config_;
  crypto::Random& random_;
  Transcript transcript_;
  std::variant<std::monostate, HandshakeStage, ApplicationStage, ConnectedStage, MasterStage>
      stage_;
  std::deque<Action> actions_;
  Summary summary_;
  std::vector<u8> client_random_;
  std::vector<u8> unpacked_;
  std::optional<crypto::PublicKey> peer_key_;
  // By what its certificate says of its key.
  bool may_peer_decipher_ = false;
  bool may_peer_sign_ = false;
  std::optional<crypto::SignatureScheme> scheme_asked_;
  Level write_level_ = Level::initial;
  bool owes_key_update_ = false;
};

/// A message that has no place in this state.
std::unexpected<Error> unexpected_message(Bytes message, State state);
/// An error with this alert.
std::unexpected<Error> refuse(Alert alert, std::string why);

}  // namespace handfast::tls
