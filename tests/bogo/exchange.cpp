#include "bogo/exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/byte_order.hpp"
#include "tls/records.hpp"

namespace handfast::bogo {
namespace {

std::string_view words_of(const Options& options) {
  return options.shim_writes_first || options.read_with_unfinished_write ? "hello" : "";
}
/// Less than a record, so that one is read in pieces.
constexpr u32 read_size_usual = 512;
constexpr u32 seal_room = 64 << 10;

template <class Session>
Session begin(const Options& options, Endpoint& endpoint, Settings& settings) {
  if (options.is_server) return Session::server(settings.config, endpoint.random());
  return Session::client(settings.config, options.host_name, endpoint.random(),
                         std::exchange(endpoint.ticket, std::nullopt), endpoint.now());
}

/// As BoringSSL answers: its test runner knows which alert belongs to which way of refusing. Who
/// does not want to verify the peer goes on.
tls::Outcome verdict(const Options& options) {
  using enum tls::Alert;
  if (options.fail_ocsp_callback)
    return tls::refuse(bad_certificate_status_response, "the staple is refused, as was wished");
  const bool is_verified = options.verify_peer || options.require_any_client_certificate ||
                           options.use_custom_verify_callback;
  if (!options.verify_fail || !is_verified) return {};
  return tls::refuse(options.use_custom_verify_callback ? certificate_unknown : handshake_failure,
                     "the peer's certificate is refused, as was wished");
}

}  // namespace

template <class Session>
Exchange<Session>::Exchange(const Options& options, const Options& retry, Endpoint& endpoint,
                            Settings& settings, Socket& socket, bool is_resumption)
    : options_(&options),
      retry_(retry),
      endpoint_(endpoint),
      settings_(settings),
      socket_(socket),
      is_resumption_(is_resumption),
      to_say_(words_of(options)),
      session_(begin<Session>(options, endpoint, settings)) {}

template <class Session>
Done Exchange<Session>::run() {
  Done done = send_early();
  if (done) done = shake_hands();
  if (done) done = check_handshake();
  if (done) done = write_exports();
  if (done && options_->send_alert) {
    constexpr tls::Alert decompression_failure{30};
    session_.abort(decompression_failure, "an alert was wished for");
    flush();
    return {};
  }
  if (done) done = speak_first();
  if (done && !options_->shim_shuts_down) done = echo();
  if (done) done = check_new_ticket();
  if (done) done = shut_down();
  return done;
}

template <class Session>
Done Exchange<Session>::send_early() {
  if (options_->is_server || session_.early_room() == 0) return {};
  if (options_->expect_no_offer_early_data) return fail("early data is offered");
  if (to_say_.empty()) return {};
  flush();
  std::vector<u8> room(seal_room);
  const auto sealed = session_.seal_early(as_bytes(to_say_), room);
  held_.insert(held_.end(), room.begin(), room.begin() + sealed.written);
  to_say_.remove_prefix(sealed.taken);  // what does not fit is said after the handshake
  return {};
}

/// A server that takes early data answers it before the handshake is done.
template <class Session>
bool Exchange<Session>::may_go_on() const {
  return is_done_ || (options_->is_server && session_.can_seal());
}

template <class Session>
Done Exchange<Session>::shake_hands() {
  while (!may_go_on()) {
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (*progress == Progress::ended && !may_go_on())
      return fail("the connection ended in the handshake");
  }
  return {};
}

template <class Session>
auto Exchange<Session>::step() -> Result<Progress, Failure> {
  if (const Done done = answer_questions(); !done) return failure(done.error());
  if (!flush() && !session_.error()) return Progress::ended;
  const auto fed = feed();
  if (!fed) return failure(fed.error());
  // What was early is lost, and said again where the options for that case want it.
  const bool is_rejected = session_.summary().early_data == tls::EarlyData::rejected;
  if (is_rejected && !options_->is_server && options_ != &retry_) {
    is_rejection_expected_ = options_->expect_reject_early_data;
    options_ = &retry_;
    to_say_ = words_of(retry_);
  }
  if (const Done done = take_events(); !done) return failure(done.error());
  flush();
  if (*fed || session_.is_waiting()) return Progress::moved;
  if (session_.has_peer_closed()) return Progress::ended;

  if (shown_ < incoming_.size()) {
    ++shown_;
    return Progress::moved;
  }
  const std::size_t before = incoming_.size();
  incoming_.resize(before + tls::record_size_max);
  incoming_.resize(before + socket_.read(MutBytes(incoming_).subspan(before)));
  if (incoming_.size() == before) return Progress::ended;
  shown_ = options_->async ? shown_ + 1 : incoming_.size();
  return Progress::moved;
}

template <class Session>
Result<bool, Failure> Exchange<Session>::feed() {
  const auto fed = session_.feed(MutBytes(incoming_).first(shown_), endpoint_.now());
  if (!fed) return failure(fail_with(fed.error()).error());
  const Bytes text = session_.plaintext();
  text_.insert(text_.end(), text.begin(), text.end());
  session_.consume(to<u32>(text.size()));
  incoming_.erase(incoming_.begin(), incoming_.begin() + *fed);
  shown_ -= *fed;
  return *fed > 0;
}

template <class Session>
Done Exchange<Session>::take_events() {
  while (auto event = session_.poll_event()) {
    if (std::holds_alternative<tls::HandshakeDone>(*event)) is_done_ = true;
    if (std::holds_alternative<tls::NeedVerdict>(*event)) needs_verdict_ = true;
    if (auto* signature = std::get_if<tls::NeedSignature>(&*event))
      needs_signature_ = std::move(*signature);
    if (auto* received = std::get_if<tls::TicketReceived>(&*event)) {
      // A session that goes by its ID is told of each time that it is resumed.
      got_ticket_ = !session_.summary().is_resumed || !received->ticket.ticket.empty();
      takes_ticket_early_data_ = received->ticket.early_bytes_max != 0;
      endpoint_.ticket = std::move(received->ticket);
    }
    if (const auto* line = std::get_if<tls::KeyLogLine>(&*event)) note_secret(line->line);
  }
  return {};
}

/// At once; where the options say async, the session is fed once more in between.
template <class Session>
Done Exchange<Session>::answer_questions() {
  if (!needs_verdict_ && !needs_signature_) return {};
  if (options_->async && !std::exchange(was_asked_, true)) return {};
  was_asked_ = false;
  tls::Outcome outcome;
  if (std::exchange(needs_verdict_, false)) {
    was_judged_ = true;
    outcome = session_.on_verdict(verdict(*options_), endpoint_.now());
  } else {
    const tls::NeedSignature asked = *std::exchange(needs_signature_, std::nullopt);
    std::vector<u8> signature(settings_.key->signature_size_max());
    const auto size = settings_.key->sign(asked.scheme, asked.content, signature);
    signature.resize(size.value_or(0));
    outcome = session_.on_signature(signature, endpoint_.now());
  }
  if (!outcome) return fail_with(outcome.error());
  return take_events();
}

/// "CLIENT_TRAFFIC_SECRET_0 <client random> <secret>".
template <class Session>
void Exchange<Session>::note_secret(std::string_view line) {
  const std::string_view name = line.substr(0, line.find(' '));
  const std::string_view digits = line.substr(line.rfind(' ') + 1);
  std::vector<u8>& secret = secrets_[std::string(name)];
  secret.clear();
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    secret.push_back(to<u8>(value(digits[i]) << 4 | value(digits[i + 1])));
}

template <class Session>
Done Exchange<Session>::fail_with(const tls::Error& error) {
  flush();
  return fail(describe(error));
}

/// Whether the runner still takes what we send.
template <class Session>
bool Exchange<Session>::flush() {
  std::vector<u8> room(options_->async ? 1 : tls::record_size_max);
  while (session_.has_output()) {
    const u32 n = session_.take(room);
    held_.insert(held_.end(), room.begin(), room.begin() + n);
  }
  if (is_stuck_) return true;
  const bool is_taken = socket_.write(held_);
  held_.clear();
  return is_taken;
}

template <class Session>
Done Exchange<Session>::write(Bytes text) {
  std::vector<u8> room(seal_room);
  while (!text.empty()) {
    if (!flush()) return fail("the runner is gone");
    const auto sealed = session_.seal(text, room);
    held_.insert(held_.end(), room.begin(), room.begin() + sealed.written);
    text = text.subspan(sealed.taken);
    if (session_.error()) return fail_with(*session_.error());
  }
  return {};
}

template <class Session>
Done Exchange<Session>::write_exports() {
  const bool has_exports = options_->export_keying_material > 0 || options_->export_traffic_secrets;
  while (has_exports && !is_done_) {  // though early data may be answered already
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (*progress == Progress::ended) return fail("the connection ended in the handshake");
  }
  if (options_->export_keying_material > 0) {
    std::vector<u8> out(options_->export_keying_material);
    std::optional<Bytes> context;
    if (options_->use_export_context) context = as_bytes(options_->export_context);
    session_.export_keying_material(options_->export_label, context, out);
    if (const Done done = write(out); !done) return done;
  }
  if (!options_->export_traffic_secrets) return {};
  const std::array<std::string_view, 2> names{"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
  const auto& theirs = secrets_[std::string(names[options_->is_server ? 0 : 1])];
  const auto& ours = secrets_[std::string(names[options_->is_server ? 1 : 0])];
  std::vector<u8> out{to<u8>(theirs.size()), 0};
  out.insert(out.end(), theirs.begin(), theirs.end());
  out.insert(out.end(), ours.begin(), ours.end());
  return write(out);
}

template <class Session>
Done Exchange<Session>::speak_first() {
  if (options_->write_different_record_sizes) {
    constexpr std::array<u32, 11> sizes{0,     1,     255,   256,   257,  16383,
                                        16384, 16385, 32767, 32768, 32769};
    for (const u32 size : sizes)
      if (const Done done = write(std::vector<u8>(size, 0x42)); !done) return done;
    flush();
    return {};
  }
  if (to_say_.empty()) return {};
  if (const Done done = write(as_bytes(to_say_)); !done) return done;
  if (!options_->read_with_unfinished_write) {
    flush();
    return {};
  }
  // One byte goes now, the others when something was read.
  if (!socket_.write(Bytes(held_).first(1))) return fail("the runner is gone");
  held_.erase(held_.begin());
  is_stuck_ = true;
  while (text_.empty()) {
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (*progress == Progress::ended) return fail("the connection ended before it was used");
  }
  is_stuck_ = false;
  return {};
}

/// Until the runner ends the connection, in whatever way.
template <class Session>
Done Exchange<Session>::echo() {
  if (options_->write_different_record_sizes) return {};
  const u32 read_size = options_->read_size != 0 ? options_->read_size : read_size_usual;
  for (;;) {
    for (MutBytes left = text_; !left.empty();) {
      const MutBytes part = left.first(std::min<std::size_t>(left.size(), read_size));
      if (const Done done = answer(part); !done) return done;
      left = left.subspan(part.size());
    }
    text_.clear();
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (*progress == Progress::ended && text_.empty()) return {};
  }
}

template <class Session>
Done Exchange<Session>::answer(MutBytes text) {
  if (options_->use_exporter_between_reads) {
    std::array<u8, 1> out{};
    session_.export_keying_material("", std::nullopt, out);
  }
  if (options_->key_update) session_.update_keys(false);
  for (u8& byte : text) byte ^= 0xff;
  if (const Done done = write(text); !done) return done;
  flush();
  return {};
}

template <class Session>
Done Exchange<Session>::shut_down() {
  if (!options_->check_close_notify) return {};
  session_.close();
  flush();
  while (!session_.has_peer_closed()) {
    const auto progress = step();
    if (!progress) return failure(progress.error());
    text_.clear();  // the peer may go on until it closes too
    if (*progress == Progress::ended) break;
  }
  if (session_.end_of_input() == tls::Ending::clean) return {};
  return fail("the connection ended without the peer's close_notify");
}

template class Exchange<tls::Session>;
template class Exchange<QuicSession>;

}  // namespace handfast::bogo
