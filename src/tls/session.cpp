// RFC 8446 §5.1 and §6: what comes in.
#include "tls/session.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::tls {

Session Session::client(const Config& config, std::string_view server_name, crypto::Random& random,
                        std::optional<Ticket> ticket, Instant now, trace::StreamSink* sink) {
  return {config,
          std::make_unique<Client>(config, server_name, random, std::move(ticket), now, sink)};
}

Session Session::server(const Config& config, crypto::Random& random, trace::StreamSink* sink) {
  return {config, std::make_unique<Server>(config, random, sink)};
}

Session::Session(const Config& config, std::unique_ptr<Client> client)
    : config_(&config),
      handshake_(std::move(client)),
      first_version_(Version::tls_1_0),
      sink_(handshake().machine().sink()) {
  const Outcome begun = run_actions();
  ASSERT(begun.has_value());
}

Session::Session(const Config& config, std::unique_ptr<Server> server)
    : config_(&config),
      handshake_(std::move(server)),
      first_version_(Version::tls_1_2),
      sink_(handshake().machine().sink()) {}

const Handshake& Session::handshake() const {
  return std::visit([](const auto& it) -> const Handshake& { return *it; }, handshake_);
}
Handshake& Session::handshake() {
  return std::visit([](auto& it) -> Handshake& { return *it; }, handshake_);
}
Outcome Session::pass_on(Bytes message, Instant now) {
  return std::visit([&](auto& it) { return it->on_message(message, now); }, handshake_);
}

Result<u32, Error> Session::feed(MutBytes records, Instant now) {
  u32 fed = 0;
  while (!error_ && plaintext_.empty() && !is_waiting()) {
    const MutBytes rest = records.subspan(fed);
    if (peer_closed_) return to<u32>(records.size());  // §6.1: "MUST be ignored"
    if (rest.size() < record_header_size) break;
    const RecordHeader header = parse_record_header(rest);
    Outcome good = check_header(header, rest);
    const u32 size = record_header_size + header.length;
    if (good && rest.size() < size) break;
    first_came_ = true;
    record_in_ = {record_in_.end, record_in_.end + size};
    if (good) good = on_record(header, rest.first(size), now);
    if (!finish(std::move(good))) break;
    fed += size;
  }
  if (error_) return failure(*error_);
  return fed;
}

Outcome Session::check_header(const RecordHeader& header, Bytes start) const {
  const auto type = to<u8>(header.type);
  const bool is_known = type >= to<u8>(ContentType::change_cipher_spec) &&
                        type <= to<u8>(ContentType::application_data);
  const bool is_tls = to<u16>(header.version) >> 8 == 3;
  if (!first_came_ && (!is_known || !is_tls)) {
    const std::string stranger = name_of_stranger(start);
    if (stranger.starts_with("SSL"))
      return refuse(Alert::protocol_version,
                    fmt::format("the peer speaks {}, which nobody should any more", stranger));
    return refuse(Alert::unexpected_message,
                  stranger.empty() ? "the peer does not speak TLS"
                                   : fmt::format("the peer speaks {}, not TLS", stranger));
  }
  if (!is_known)
    return refuse(Alert::unexpected_message, fmt::format("a record of unknown type {}", type));
  if (!is_tls)
    return refuse(Alert::protocol_version,
                  fmt::format("a record of version {}", to_string(header.version)));
  const u32 most =
      header.type == ContentType::application_data ? protected_fragment_max : fragment_max;
  if (header.length > most)
    return refuse(Alert::record_overflow,
                  fmt::format("a record of {} bytes; {} are allowed", header.length, most));
  return {};
}

Outcome Session::on_record(const RecordHeader& header, MutBytes record, Instant now) {
  const MutBytes body = record.subspan(record_header_size);
  const bool is_tls12 = summary().version == Version::tls_1_2;
  if (header.type == ContentType::change_cipher_spec && (!is_tls12 || !read_))
    return on_change_cipher_spec(body);
  if (is_tls12 && read_) return on_protected_record(record, now);
  if (!read_) return on_plain_record(header, body, now);
  if (header.type == ContentType::application_data) return on_protected_record(record, now);
  // The peer may have failed before it had these keys: then its alert is not protected.
  if (header.type == ContentType::alert && read_level_ == Level::handshake &&
      read_->sequence() == 0)
    return on_alert(body);
  return refuse(Alert::unexpected_message, "a record is not protected that must be");
}

Outcome Session::on_plain_record(const RecordHeader& header, MutBytes body, Instant now) {
  if (header.type == ContentType::application_data) {
    // After a HelloRetryRequest, early data comes that nobody can read (§4.2.10).
    if (handshake().state() == State::wait_second_hello && skips(body)) return {};
    return refuse(Alert::unexpected_message, "application data came before the handshake");
  }
  return on_content(header.type, body, now);
}

/// §4.2.10: early data that we do not take is skipped, up to a limit.
bool Session::skips(MutBytes record) {
  const auto* server = std::get_if<std::unique_ptr<Server>>(&handshake_);
  if (server == nullptr || !(*server)->skips_early_data()) return false;
  early_bytes_skipped_ += to<u32>(record.size());
  if (sink_ != nullptr) sink_->on(trace::TlsSkipped{"early data", to<u32>(record.size())});
  return early_bytes_skipped_ <=
         std::max(config_->early_bytes_skipped_max, config_->early_bytes_max);
}

u32 Session::early_bytes_max() const {
  return std::visit([](const auto& it) { return it->early_bytes_max(); }, handshake_);
}

Outcome Session::on_protected_record(MutBytes record, Instant now) {
  const Version version = parse_record_header(record).version;
  if (version != Version::tls_1_2)  // §5.2: "always 0x0303"
    return refuse(Alert::protocol_version,
                  fmt::format("a protected record of version {}", to_string(version)));
  const bool may_skip = read_level_ == Level::handshake && read_->sequence() == 0;
  auto opened = read_->open(record.first(record_header_size), record.subspan(record_header_size));
  if (!opened) {
    if (opened.error().alert == Alert::bad_record_mac && may_skip && skips(record)) return {};
    return failure(opened.error());
  }
  const u32 type_size = summary().version == Version::tls_1_3 ? 1 : 0;
  if (config_->record_size_limit &&
      opened->content.size() + type_size > *config_->record_size_limit)
    return refuse(Alert::record_overflow,
                  fmt::format("a record of {} bytes; the peer was told that {} are the limit",
                              opened->content.size() + type_size, *config_->record_size_limit));
  return on_content(opened->type, opened->content, now);
}

Outcome Session::on_content(ContentType type, MutBytes content, Instant now) {
  if (sink_ != nullptr) tell_received_record(type, content.size());
  switch (type) {
    case ContentType::handshake: return on_handshake_bytes(content, now);
    case ContentType::alert: return on_alert(content);
    case ContentType::application_data: return on_application_data(content);
    case ContentType::change_cipher_spec: break;
  }
  return refuse(Alert::unexpected_message, "a protected record holds what it must not");
}

Outcome Session::on_application_data(MutBytes content) {
  is_plaintext_early_ = read_level_ == Level::early_data;
  if (!is_connected() && !is_plaintext_early_)
    return refuse(Alert::unexpected_message, "application data came in the handshake");
  if (!messages_in_.empty())
    return refuse(Alert::unexpected_message, "application data came inside of a message");
  if (content.empty() && ++empty_records_ > config_->empty_records_in_a_row_max)
    return refuse(Alert::unexpected_message, "too many empty records");
  if (content.empty()) return {};
  if (is_plaintext_early_ && content.size() > early_bytes_max() - early_bytes_)
    return refuse(Alert::unexpected_message,
                  fmt::format("the client sent more early data than the {} bytes of its ticket",
                              early_bytes_max()));
  if (is_plaintext_early_) early_bytes_ += to<u32>(content.size());
  empty_records_ = 0;
  key_updates_ = std::min<i64>(key_updates_, 0);
  plaintext_ = content;
  return {};
}

/// §5: a single byte 1 between the first ClientHello and the peer's Finished means nothing.
Outcome Session::on_change_cipher_spec(Bytes content) {
  if (sink_ != nullptr) tell_received_record(ContentType::change_cipher_spec, content.size());
  const State state = handshake().state();
  if (summary().version == Version::tls_1_2) {
    // RFC 5246 §7.1: there it means something, and only in one place.
    if (state != State::wait_change_cipher_spec || content.size() != 1 || content[0] != 1)
      return refuse(Alert::unexpected_message, "a ChangeCipherSpec has no place here");
    if (const Outcome good = check_boundary(); !good) return good;
    handshake().on_change_cipher_spec();
    return run_actions();
  }
  const bool has_place = state != State::start && state != State::connected;
  if (!has_place || content.size() != 1 || content[0] != 1 || !messages_in_.empty())
    return refuse(Alert::unexpected_message, "a ChangeCipherSpec has no place here");
  if (++changes_ > config_->empty_records_in_a_row_max)
    return refuse(Alert::unexpected_message, "too many ChangeCipherSpecs");
  if (sink_ != nullptr) sink_->on(trace::TlsSkipped{"ChangeCipherSpec", 1});
  return {};
}

Outcome Session::on_alert(Bytes content) {
  constexpr u32 alert_size = 2;
  if (content.size() != alert_size)
    return refuse(Alert::decode_error, "an alert does not have two bytes");
  const auto alert = static_cast<Alert>(content[1]);
  constexpr u8 warning = 1;
  constexpr u8 fatal = 2;
  if (content[0] != warning && content[0] != fatal)
    return refuse(Alert::illegal_parameter,
                  fmt::format("an alert is neither a warning nor fatal, but {}", content[0]));
  // A server of TLS 1.2 may warn before it says that it is one (RFC 6066 §3: unrecognized_name).
  const bool may_warn =
      summary().version != Version::tls_1_3 && handshake().state() != State::start;
  const bool is_mere_warning = may_warn && content[0] == warning && alert != Alert::close_notify;
  if (alert == Alert::user_canceled || is_mere_warning) {
    if (++warnings_ > config_->warnings_max)
      return refuse(Alert::unexpected_message,
                    fmt::format("too many warnings, of late {}", to_string(alert)));
    if (sink_ != nullptr) tell_alert(trace::Way::received, alert, "a warning");
    return {};
  }
  if (alert == Alert::close_notify && is_connected()) {
    if (sink_ != nullptr) tell_alert(trace::Way::received, alert, "");
    peer_closed_ = true;
    events_.emplace_back(PeerClosed{});
    return {};
  }
  std::string why = fmt::format("the peer ended the {}: {}",
                                is_connected() ? "connection" : "handshake", to_string(alert));
  if (const std::string_view more = advice(alert); !more.empty()) why += fmt::format(" ({})", more);
  if (sink_ != nullptr) tell_alert(trace::Way::received, alert, why);
  return failure(Error{alert, std::move(why), true});
}

Outcome Session::on_handshake_bytes(Bytes content, Instant now) {
  // §5.1: "Implementations MUST NOT send zero-length fragments of Handshake types".
  if (content.empty()) return refuse(Alert::unexpected_message, "an empty handshake record");
  messages_in_.insert(messages_in_.end(), content.begin(), content.end());
  return pump(now);
}

/// Hands whole messages on, until somebody outside is asked.
Outcome Session::pump(Instant now) {
  while (!is_waiting() && messages_in_.size() >= message_header_size) {
    const u32 length = load_be32(messages_in_.data()) & 0xffffff;
    if (length > config_->message_bytes_max)
      return refuse(Alert::illegal_parameter,
                    fmt::format("a handshake message of {} bytes; the limit is {}", length,
                                config_->message_bytes_max));
    const u32 size = message_header_size + length;
    if (messages_in_.size() < size) break;
    if (messages_in_[0] == to<u8>(HandshakeType::key_update) &&
        ++key_updates_ > config_->key_updates_in_a_row_max)
      return refuse(Alert::unexpected_message, "too many KeyUpdates without data");
    const Bytes message = Bytes(messages_in_).first(size);
    if (sink_ != nullptr) tell_message(trace::Way::received, message, record_in_);
    const Outcome good = pass_on(message, now);
    messages_in_.erase(messages_in_.begin(), messages_in_.begin() + to<std::ptrdiff_t>(size));
    if (!good) return good;
    if (const Outcome done = run_actions(); !done) return done;
  }
  if (messages_in_.empty() && is_connected()) messages_in_ = std::vector<u8>();
  return {};
}

void Session::consume(u32 n) {
  ASSERT(n <= plaintext_.size());
  plaintext_ = plaintext_.subspan(n);
}

Ending Session::end_of_input() const {
  if (error_) return Ending::failed;
  return peer_closed_ ? Ending::clean : Ending::truncated;
}

std::optional<Event> Session::poll_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<Event> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

Outcome Session::on_verdict(Outcome verdict, Instant now) {
  Outcome good = handshake().on_verdict(std::move(verdict));
  if (good) good = run_actions();
  if (good) good = pump(now);
  return finish(std::move(good));
}

Outcome Session::on_signature(Bytes signature, Instant now) {
  Outcome good = handshake().on_signature(signature);
  if (good) good = run_actions();
  if (good) good = pump(now);
  return finish(std::move(good));
}

}  // namespace handfast::tls
