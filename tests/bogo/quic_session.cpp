#include "bogo/quic_session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::bogo {

using tls::Alert;
using tls::Level;
using tls::Outcome;
using tls::refuse;

namespace {

/// Type, level, cipher suite, length of all that follows.
constexpr u32 header_size = 8;

}  // namespace

QuicSession::QuicSession(const tls::Config& config, Role role)
    : config_(&config), role_(std::move(role)) {
  const Outcome begun = run_actions();
  ASSERT(begun.has_value());
}

const tls::Handshake& QuicSession::handshake() const {
  return std::visit([](const auto& it) -> const tls::Handshake& { return *it; }, role_);
}
tls::Handshake& QuicSession::handshake() {
  return std::visit([](auto& it) -> tls::Handshake& { return *it; }, role_);
}

Result<u32, tls::Error> QuicSession::feed(MutBytes records, Instant now) {
  u32 fed = 0;
  while (!error_ && plaintext_.empty() && !is_waiting()) {
    const MutBytes rest = records.subspan(fed);
    if (rest.size() < header_size) break;
    const u32 length = load_be32(&rest[4]);
    if (rest.size() - header_size < length) break;
    fed += header_size + length;
    const MutBytes body = rest.subspan(header_size, length);
    const Keys& keys = read_[rest[1] % read_.size()];
    const auto level = static_cast<Level>(rest[1] % read_.size());
    // What nobody can read was sent early, in vain.
    if (level == Level::early_data && keys.secret.empty()) continue;
    const bool is_good = load_be16(&rest[2]) == to<u16>(keys.suite) &&
                         (level == Level::initial || !keys.secret.empty()) &&
                         body.size() >= keys.secret.size() &&
                         std::ranges::equal(body.first(keys.secret.size()), keys.secret);
    Outcome good;
    if (is_good)
      good = on_record(rest[0], level, body.subspan(keys.secret.size()), now);
    else
      good = refuse(Alert::internal_error,
                    fmt::format("a record of level {} whose keys we do not have", rest[1]));
    if (!finish(std::move(good))) break;
  }
  if (error_) return failure(*error_);
  return fed;
}

Outcome QuicSession::on_record(u8 type, Level level, MutBytes content, Instant now) {
  switch (static_cast<tls::ContentType>(type)) {
    case tls::ContentType::handshake:
      if (level != read_level_)
        return refuse(Alert::unexpected_message, "a handshake message of another encryption level");
      messages_in_.insert(messages_in_.end(), content.begin(), content.end());
      return pump(now);
    case tls::ContentType::application_data:
      if (!is_connected())
        return refuse(Alert::unexpected_message, "application data came in the handshake");
      plaintext_ = content;
      return {};
    case tls::ContentType::alert:
      if (content.size() == 2)
        return failure(tls::Error{static_cast<Alert>(content[1]), "the peer ended this", true});
      break;
    case tls::ContentType::change_cipher_spec: break;
  }
  return refuse(Alert::unexpected_message, fmt::format("a record of type {}", type));
}

Outcome QuicSession::pump(Instant now) {
  constexpr u32 length_mask = 0xffffff;
  while (!is_waiting() && messages_in_.size() >= tls::message_header_size) {
    const u32 length = load_be32(messages_in_.data()) & length_mask;
    if (length > config_->message_bytes_max)
      return refuse(Alert::illegal_parameter,
                    fmt::format("a handshake message of {} bytes; the limit is {}", length,
                                config_->message_bytes_max));
    const u32 size = tls::message_header_size + length;
    if (messages_in_.size() < size) break;
    const Bytes message = Bytes(messages_in_).first(size);
    const Outcome good = std::visit([&](auto& it) { return it->on_message(message, now); }, role_);
    messages_in_.erase(messages_in_.begin(), messages_in_.begin() + to<std::ptrdiff_t>(size));
    if (!good) return good;
    if (const Outcome done = run_actions(); !done) return done;
  }
  return {};
}

Outcome QuicSession::run_actions() {
  while (std::optional<tls::Action> action = handshake().poll_action()) {
    if (const auto* message = std::get_if<tls::SendMessage>(&*action)) {
      if (!is_connected() && !messages_in_.empty())
        return refuse(Alert::unexpected_message,
                      "a handshake message came before that of ours which it has to answer");
      append_record(tls::ContentType::handshake, message->level, message->bytes, output_);
    }
    if (const auto* keys = std::get_if<tls::InstallKeys>(&*action))
      if (const Outcome good = install(*keys); !good) return good;
    ASSERT(!std::holds_alternative<tls::SendChangeCipherSpec>(*action));
    ASSERT(!std::holds_alternative<tls::UpdateKeys>(*action));
    const auto tell = [&]<class T>(T& it) {
      if constexpr (requires { tls::Event(std::move(it)); }) events_.emplace_back(std::move(it));
    };
    std::visit(tell, *action);
  }
  return {};
}

Outcome QuicSession::install(const tls::InstallKeys& keys) {
  const bool is_read = keys.direction == tls::Direction::read;
  if (is_read && !messages_in_.empty())
    return refuse(Alert::unexpected_message, "a handshake message goes across a change of keys");
  const Bytes secret = keys.secret.bytes();
  Keys& place = (is_read ? read_ : write_)[to<std::size_t>(keys.level)];
  place = {keys.suite->code, {secret.begin(), secret.end()}};
  (is_read ? read_level_ : write_level_) = keys.level;
  return {};
}

Outcome QuicSession::finish(Outcome outcome) {
  if (outcome || error_) return outcome;
  error_ = outcome.error();
  handshake().fail(error_->why);
  constexpr u8 fatal = 2;
  if (!error_->from_peer)
    append_record(tls::ContentType::alert, write_level_,
                  std::array<u8, 2>{fatal, to<u8>(error_->alert)}, output_);
  return outcome;
}

void QuicSession::append_record(tls::ContentType type, Level level, Bytes content,
                                std::vector<u8>& out) const {
  const Keys& keys = write_[to<std::size_t>(level)];
  std::array<u8, header_size> header{to<u8>(type), to<u8>(level)};
  store_be16(&header[2], to<u16>(keys.suite));
  store_be32(&header[4], to<u32>(keys.secret.size() + content.size()));
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), keys.secret.begin(), keys.secret.end());
  out.insert(out.end(), content.begin(), content.end());
}

u32 QuicSession::take(MutBytes room) {
  const std::size_t n = std::min(room.size(), output_.size());
  std::copy_n(output_.begin(), n, room.begin());
  output_.erase(output_.begin(), output_.begin() + to<std::ptrdiff_t>(n));
  return to<u32>(n);
}

tls::Session::Sealed QuicSession::seal(Bytes plaintext, MutBytes room) {
  std::vector<u8> out;
  const std::size_t overhead =
      header_size + write_[to<std::size_t>(Level::application)].secret.size();
  const Bytes part = plaintext.first(std::min(plaintext.size(), room.size() - overhead));
  append_record(tls::ContentType::application_data, Level::application, part, out);
  std::ranges::copy(out, room.begin());
  return {to<u32>(part.size()), to<u32>(out.size())};
}

std::optional<tls::Event> QuicSession::poll_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<tls::Event> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

Outcome QuicSession::on_verdict(Outcome verdict, Instant now) {
  Outcome good = handshake().on_verdict(std::move(verdict));
  if (good) good = run_actions();
  if (good) good = pump(now);
  return finish(std::move(good));
}

Outcome QuicSession::on_signature(Bytes signature, Instant now) {
  Outcome good = handshake().on_signature(signature);
  if (good) good = run_actions();
  if (good) good = pump(now);
  return finish(std::move(good));
}

}  // namespace handfast::bogo
