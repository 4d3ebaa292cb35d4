#include "bogo/exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/byte_order.hpp"
#include "tls/records.hpp"

namespace handfast::bogo {
namespace {

constexpr std::string_view first_words = "hello";
/// Less than a record, so that one is read in pieces.
constexpr u32 read_size_usual = 512;
constexpr u32 seal_room = 64 << 10;

tls::Session begin(const Options& options, Endpoint& endpoint, Settings& settings) {
  if (options.is_server) return tls::Session::server(settings.config, endpoint.random());
  return tls::Session::client(settings.config, options.host_name, endpoint.random(),
                              std::exchange(endpoint.ticket, std::nullopt), endpoint.now());
}

/// As BoringSSL answers: its test runner knows which alert belongs to which way of refusing.
tls::Error refused(const Options& options) {
  const auto alert = options.use_custom_verify_callback ? tls::Alert::certificate_unknown
                                                        : tls::Alert::handshake_failure;
  return {alert, "the peer's certificate is refused, as was wished"};
}

}  // namespace

Exchange::Exchange(const Options& options, Endpoint& endpoint, Settings& settings, Socket& socket,
                   bool is_resumption)
    : options_(options),
      endpoint_(endpoint),
      settings_(settings),
      socket_(socket),
      is_resumption_(is_resumption),
      session_(begin(options, endpoint, settings)) {}

Done Exchange::run() {
  Done done = shake_hands();
  if (done) done = check_handshake();
  if (done) done = write_exports();
  if (done && options_.send_alert) {
    constexpr tls::Alert decompression_failure{30};
    session_.abort(decompression_failure, "an alert was wished for");
    flush();
    return {};
  }
  if (done) done = speak_first();
  if (done && !options_.shim_shuts_down) done = echo();
  if (done) done = check_new_ticket();
  if (done) done = shut_down();
  return done;
}

Done Exchange::shake_hands() {
  while (!is_done_) {
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (*progress == Progress::ended && !is_done_)
      return fail("the connection ended in the handshake");
  }
  return {};
}

Result<Exchange::Progress, Failure> Exchange::step() {
  if (const Done done = answer_questions(); !done) return failure(done.error());
  if (!flush() && !session_.error()) return Progress::ended;
  const auto fed = feed();
  if (!fed) return failure(fed.error());
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
  shown_ = options_.async ? shown_ + 1 : incoming_.size();
  return Progress::moved;
}

Result<bool, Failure> Exchange::feed() {
  const auto fed = session_.feed(MutBytes(incoming_).first(shown_), endpoint_.now());
  if (!fed) return failure(fail_with(fed.error()).error());
  const Bytes text = session_.plaintext();
  text_.insert(text_.end(), text.begin(), text.end());
  session_.consume(to<u32>(text.size()));
  incoming_.erase(incoming_.begin(), incoming_.begin() + *fed);
  shown_ -= *fed;
  return *fed > 0;
}

Done Exchange::take_events() {
  while (auto event = session_.poll_event()) {
    if (std::holds_alternative<tls::HandshakeDone>(*event)) is_done_ = true;
    if (std::holds_alternative<tls::NeedVerdict>(*event)) needs_verdict_ = true;
    if (auto* signature = std::get_if<tls::NeedSignature>(&*event))
      needs_signature_ = std::move(*signature);
    if (auto* received = std::get_if<tls::TicketReceived>(&*event)) {
      got_ticket_ = true;
      endpoint_.ticket = std::move(received->ticket);
    }
    if (const auto* line = std::get_if<tls::KeyLogLine>(&*event)) note_secret(line->line);
  }
  return {};
}

/// At once; where the options say async, the session is fed once more in between.
Done Exchange::answer_questions() {
  if (!needs_verdict_ && !needs_signature_) return {};
  if (options_.async && !std::exchange(was_asked_, true)) return {};
  was_asked_ = false;
  tls::Outcome outcome;
  if (std::exchange(needs_verdict_, false)) {
    tls::Outcome verdict;
    if (options_.verify_fail) verdict = failure(refused(options_));
    outcome = session_.on_verdict(std::move(verdict), endpoint_.now());
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
void Exchange::note_secret(std::string_view line) {
  const std::string_view name = line.substr(0, line.find(' '));
  const std::string_view digits = line.substr(line.rfind(' ') + 1);
  std::vector<u8>& secret = secrets_[std::string(name)];
  secret.clear();
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    secret.push_back(to<u8>(value(digits[i]) << 4 | value(digits[i + 1])));
}

Done Exchange::fail_with(const tls::Error& error) {
  flush();
  return fail(describe(error));
}

/// Whether the runner still takes what we send.
bool Exchange::flush() {
  std::vector<u8> room(options_.async ? 1 : tls::record_size_max);
  while (session_.has_output()) {
    const u32 n = session_.take(room);
    held_.insert(held_.end(), room.begin(), room.begin() + n);
  }
  const bool is_taken = socket_.write(held_);
  held_.clear();
  return is_taken;
}

Done Exchange::write(Bytes text) {
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

Done Exchange::write_exports() {
  if (options_.export_keying_material > 0) {
    std::vector<u8> out(options_.export_keying_material);
    std::optional<Bytes> context;
    if (options_.use_export_context) context = as_bytes(options_.export_context);
    session_.export_keying_material(options_.export_label, context, out);
    if (const Done done = write(out); !done) return done;
  }
  if (!options_.export_traffic_secrets) return {};
  const std::array<std::string_view, 2> names{"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
  const auto& theirs = secrets_[std::string(names[options_.is_server ? 0 : 1])];
  const auto& ours = secrets_[std::string(names[options_.is_server ? 1 : 0])];
  std::vector<u8> out{to<u8>(theirs.size()), 0};
  out.insert(out.end(), theirs.begin(), theirs.end());
  out.insert(out.end(), ours.begin(), ours.end());
  return write(out);
}

Done Exchange::speak_first() {
  if (options_.write_different_record_sizes) {
    constexpr std::array<u32, 11> sizes{0,     1,     255,   256,   257,  16383,
                                        16384, 16385, 32767, 32768, 32769};
    for (const u32 size : sizes)
      if (const Done done = write(std::vector<u8>(size, 0x42)); !done) return done;
    flush();
    return {};
  }
  if (!options_.shim_writes_first && !options_.read_with_unfinished_write) return {};
  if (const Done done = write(as_bytes(first_words)); !done) return done;
  if (!options_.read_with_unfinished_write) {
    flush();
    return {};
  }
  // One byte goes now, the others when something was read.
  if (!socket_.write(Bytes(held_).first(1))) return fail("the runner is gone");
  held_.erase(held_.begin());
  const std::vector<u8> rest = std::exchange(held_, {});
  while (text_.empty()) {
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (*progress == Progress::ended) return fail("the connection ended before it was used");
  }
  held_ = rest;
  return {};
}

/// Until the runner ends the connection, in whatever way.
Done Exchange::echo() {
  if (options_.write_different_record_sizes) return {};
  const u32 read_size = options_.read_size != 0 ? options_.read_size : read_size_usual;
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

Done Exchange::answer(MutBytes text) {
  if (options_.use_exporter_between_reads) {
    std::array<u8, 1> out{};
    session_.export_keying_material("", std::nullopt, out);
  }
  if (options_.key_update) session_.update_keys(false);
  for (u8& byte : text) byte ^= 0xff;
  if (const Done done = write(text); !done) return done;
  flush();
  return {};
}

Done Exchange::shut_down() {
  if (!options_.check_close_notify) return {};
  session_.close();
  flush();
  while (!session_.has_peer_closed()) {
    const auto progress = step();
    if (!progress) return failure(progress.error());
    if (!text_.empty()) return fail("application data came while the connection was shut down");
    if (*progress == Progress::ended) break;
  }
  if (session_.end_of_input() == tls::Ending::clean) return {};
  return fail("the connection ended without the peer's close_notify");
}

}  // namespace handfast::bogo
