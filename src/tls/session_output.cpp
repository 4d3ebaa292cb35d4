// RFC 8446 §5 and §6: what goes out.
#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "tls/session.hpp"

namespace handfast::tls {

namespace {

bool writes(const Action& action) {
  const auto* update = std::get_if<UpdateKeys>(&action);
  return std::holds_alternative<SendMessage>(action) ||
         (update != nullptr && update->direction == Direction::write);
}

}  // namespace

/// Does what the handshake wants, in its order; messages share records where they can.
Outcome Session::run_actions() {
  while (std::optional<Action> action = handshake().poll_action()) {
    if (closed_ && writes(*action)) continue;
    if (auto* message = std::get_if<SendMessage>(&*action)) {
      if (const Outcome good = check_turn(); !good) return good;
      messages_out_.insert(messages_out_.end(), message->bytes.begin(), message->bytes.end());
    } else if (std::holds_alternative<SendChangeCipherSpec>(*action)) {
      write_messages();
      write_change_cipher_spec();
    } else if (auto* keys = std::get_if<InstallKeys>(&*action)) {
      if (const Outcome good = install(*keys); !good) return good;
    } else if (std::holds_alternative<DropKeys>(*action)) {
      write_messages();
      write_.reset();
      write_level_ = Level::initial;
    } else if (auto* update = std::get_if<UpdateKeys>(&*action)) {
      if (update->direction == Direction::read) {
        if (const Outcome good = check_boundary(); !good) return good;
        read_->update();
      } else {
        write_messages();
        write_->update();
      }
      if (sink_ != nullptr) tell_keys(update->direction, Level::application, true);
    } else {
      add_event(*action);
    }
  }
  // What waits for a signature goes out with it, in one record.
  if (handshake().state() != State::wait_signature) write_messages();
  return {};
}

void Session::add_event(Action& action) {
  if (auto* done = std::get_if<HandshakeDone>(&action)) {
    if (sink_ != nullptr) tell_connected();
    events_.emplace_back(*done);
  }
  if (auto* verdict = std::get_if<NeedVerdict>(&action)) events_.emplace_back(*verdict);
  if (auto* signature = std::get_if<NeedSignature>(&action))
    events_.emplace_back(std::move(*signature));
  if (auto* ticket = std::get_if<TicketReceived>(&action)) events_.emplace_back(std::move(*ticket));
  if (auto* line = std::get_if<KeyLogLine>(&action)) events_.emplace_back(std::move(*line));
}

/// §5.1: "Handshake messages MUST NOT span key changes".
Outcome Session::check_boundary() const {
  if (messages_in_.empty()) return {};
  return refuse(Alert::unexpected_message, "a handshake message goes across a change of keys");
}

/// What the peer says next answers what we say now: it cannot have come yet.
Outcome Session::check_turn() const {
  if (is_connected() || messages_in_.empty()) return {};
  return refuse(Alert::unexpected_message,
                "a handshake message came before that of ours which it has to answer");
}

namespace {

Protection protection(InstallKeys& keys, crypto::Aead::Use use) {
  if (keys.suite->version == Version::tls_1_2)
    return {*keys.suite, use, keys.secret, keys.iv.bytes()};
  return {*keys.suite, use, std::move(keys.secret)};
}

}  // namespace

Outcome Session::install(InstallKeys& keys) {
  if (keys.direction == Direction::write) {
    write_messages();
    write_ = protection(keys, crypto::Aead::Use::seal);
    write_level_ = keys.level;
  } else {
    if (const Outcome good = check_boundary(); !good) return good;
    read_ = protection(keys, crypto::Aead::Use::open);
    read_level_ = keys.level;
  }
  if (sink_ != nullptr) tell_keys(keys.direction, keys.level, false);
  return {};
}

/// The first error ends the session, and unless it is the peer's the peer hears of it.
Outcome Session::finish(Outcome outcome) {
  if (outcome || error_) return outcome;
  error_ = outcome.error();
  handshake().fail(error_->why);
  messages_out_.clear();
  if (!error_->from_peer) {
    if (sink_ != nullptr) tell_alert(trace::Way::sent, error_->alert, error_->why);
    constexpr u8 fatal = 2;
    write_record(ContentType::alert, std::array<u8, 2>{fatal, to<u8>(error_->alert)});
  }
  closed_ = true;
  return outcome;
}

/// RFC 8449 §4: the peer's limit counts the type too. Below protection there is none.
u32 Session::content_max() const {
  if (!write_) return fragment_max;
  const u32 type_size = summary().version == Version::tls_1_3 ? 1 : 0;
  return std::min<u32>(fragment_max, summary().record_size_limit - type_size);
}

void Session::write_messages() {
  if (sink_ != nullptr) tell_sent_messages();
  for (Bytes left = messages_out_; !left.empty();) {
    const std::size_t n = std::min<std::size_t>(left.size(), content_max());
    write_record(ContentType::handshake, left.first(n));
    left = left.subspan(n);
  }
  messages_out_.clear();
}

void Session::write_record(ContentType type, Bytes content) {
  if (!has_output()) {
    output_.clear();
    taken_ = 0;
  }
  const std::size_t at = output_.size();
  if (sink_ != nullptr) tell_sent_record(type, content.size());
  if (write_) {
    output_.resize(at + content.size() + write_->overhead());
    write_->seal(type, content, MutBytes(output_).subspan(at));
    return;
  }
  output_.resize(at + record_header_size + content.size());
  emit_record_header({type, first_version_, to<u16>(content.size())},
                     MutBytes(output_).subspan(at));
  std::ranges::copy(content, output_.begin() + to<std::ptrdiff_t>(at + record_header_size));
  first_version_ = Version::tls_1_2;
}

/// Outside of protection: for middleboxes, and before TLS 1.2's keys.
void Session::write_change_cipher_spec() {
  constexpr std::array<u8, record_header_size + 1> record{20, 3, 3, 0, 1, 1};
  output_.insert(output_.end(), record.begin(), record.end());
  if (sink_ != nullptr) tell_sent_record(ContentType::change_cipher_spec, 1);
}

u32 Session::take(MutBytes room) {
  const std::size_t n = std::min<std::size_t>(room.size(), output_.size() - taken_);
  std::copy_n(output_.begin() + to<std::ptrdiff_t>(taken_), n, room.begin());
  taken_ += to<u32>(n);
  // After the handshake there is rarely something to say.
  if (!has_output() && is_connected()) {
    taken_ = 0;
    output_ = std::vector<u8>();
    if (messages_out_.empty()) messages_out_ = std::vector<u8>();
  }
  return to<u32>(n);
}

u32 Session::sealed_size(u32 n) const {
  const u32 records = (n + content_max() - 1) / content_max();
  return n + records * write_->overhead();
}

bool Session::can_seal() const {
  const bool answers_early =
      summary().early_data == EarlyData::accepted && handshake().role() == Role::server;
  return !closed_ && (is_connected() || (answers_early && write_level_ == Level::application));
}

u32 Session::early_room() const {
  if (closed_ || write_level_ != Level::early_data) return 0;
  return early_bytes_max() - early_bytes_;
}

Session::Sealed Session::seal_early(Bytes plaintext, MutBytes room) {
  const std::size_t n = std::min<std::size_t>(plaintext.size(), early_room());
  const Sealed sealed = seal_records(plaintext.first(n), room);
  early_bytes_ += sealed.taken;
  return sealed;
}

Session::Sealed Session::seal(Bytes plaintext, MutBytes room) {
  ASSERT(can_seal());
  return seal_records(plaintext, room);
}

Session::Sealed Session::seal_records(Bytes plaintext, MutBytes room) {
  Sealed sealed;
  if (plaintext.empty()) return sealed;
  const u32 overhead = write_->overhead();
  while (!plaintext.empty() && room.size() > overhead && !has_output()) {
    if (handshake().owes_key_update()) {
      update_keys(false);
      break;
    }
    if (write_->is_used_up() || write_->sequence() >= config_->records_per_key_max) {
      if (is_connected() && summary().version == Version::tls_1_3)
        update_keys(false);
      else  // TLS 1.2 could only renegotiate, and a handshake cannot at all
        abort(Alert::internal_error, "the key of this connection has sealed all that it may");
      break;
    }
    const std::size_t n =
        std::min({plaintext.size(), room.size() - overhead, std::size_t{content_max()}});
    if (sink_ != nullptr) tell_sent_record(ContentType::application_data, n);
    // Who only listens may update keys for what it hears; we may hear of it much later.
    key_updates_ = std::min<i64>(key_updates_, 0) - 1;
    write_->seal(ContentType::application_data, plaintext.first(n), room.first(n + overhead));
    plaintext = plaintext.subspan(n);
    room = room.subspan(n + overhead);
    sealed.taken += to<u32>(n);
    sealed.written += to<u32>(n + overhead);
  }
  return sealed;
}

void Session::close() {
  if (std::exchange(closed_, true)) return;
  if (sink_ != nullptr) tell_alert(trace::Way::sent, Alert::close_notify, "");
  constexpr u8 warning = 1;
  write_record(ContentType::alert, std::array<u8, 2>{warning, to<u8>(Alert::close_notify)});
}

void Session::abort(Alert alert, std::string why) {
  const Outcome ended = finish(refuse(alert, std::move(why)));
  ASSERT(!ended);
}

void Session::export_keying_material(std::string_view label, std::optional<Bytes> context,
                                     MutBytes out) {
  handshake().export_keying_material(label, context, out);
}

void Session::update_keys(bool request_peer) {
  handshake().update_keys(request_peer);
  const Outcome good = run_actions();
  ASSERT(good.has_value());
}

}  // namespace handfast::tls
