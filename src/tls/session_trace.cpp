// What a session tells about itself, called only where somebody listens.
#include "base/byte_order.hpp"
#include "tls/describe.hpp"
#include "tls/session.hpp"

namespace handfast::tls {
namespace {

trace::Protection protection_of(Level level) {
  switch (level) {
    case Level::initial: return trace::Protection::none;
    case Level::early_data: return trace::Protection::early;
    case Level::handshake: return trace::Protection::handshake;
    case Level::application: return trace::Protection::application;
  }
  return trace::Protection::none;
}

}  // namespace

void Session::tell_sent_record(ContentType type, std::size_t content_size) {
  const bool is_plain = !write_ || type == ContentType::change_cipher_spec;
  const u64 begin = sent_;
  sent_ += content_size + (is_plain ? record_header_size : write_->overhead());
  const u64 content = content_out_;
  if (type == ContentType::application_data) content_out_ += content_size;
  const auto protection = is_plain ? trace::Protection::none : protection_of(write_level_);
  sink_->on(trace::TlsRecord{
      trace::Way::sent, protection, to_string(type), {begin, sent_}, {content, content_out_}});
}

void Session::tell_received_record(ContentType type, std::size_t content_size) {
  const u64 content = content_in_;
  if (type == ContentType::application_data) content_in_ += content_size;
  const auto protection = read_ ? protection_of(read_level_) : trace::Protection::none;
  sink_->on(trace::TlsRecord{
      trace::Way::received, protection, to_string(type), record_in_, {content, content_in_}});
}

/// Those that are about to be written: where each will be, though several share a record, or one
/// takes several.
void Session::tell_sent_messages() const {
  const u64 prefix = write_ ? write_->prefix() : record_header_size;
  const u64 overhead = write_ ? write_->overhead() : record_header_size;
  const auto place = [&](u64 offset) {
    const u64 record = offset / content_max();
    return sent_ + record * (content_max() + overhead) + prefix + offset % content_max();
  };
  u64 offset = 0;
  for (Bytes left = messages_out_; !left.empty();) {
    const u32 size = message_header_size + (load_be32(left.data()) & 0xffffff);
    tell_message(trace::Way::sent, left.first(size), {place(offset), place(offset + size - 1) + 1});
    left = left.subspan(size);
    offset += size;
  }
}

void Session::tell_message(trace::Way way, Bytes message, trace::StreamRange range) const {
  const bool is_protected = way == trace::Way::sent ? write_.has_value() : read_.has_value();
  const Level level = way == trace::Way::sent ? write_level_ : read_level_;
  const std::string name = describe_name(message);
  const std::string fields = describe_fields(message, summary());
  sink_->on(trace::TlsMessage{way, is_protected ? protection_of(level) : trace::Protection::none,
                              name, fields, to<u32>(message.size()), range});
}

void Session::tell_alert(trace::Way way, Alert alert, std::string_view why) const {
  const bool is_sent = way == trace::Way::sent;
  const bool is_protected = is_sent ? write_.has_value() : read_.has_value();
  constexpr u32 alert_size = 2;
  const u64 size = alert_size + (write_ ? write_->overhead() : record_header_size);
  sink_->on(trace::TlsAlert{
      way,
      is_protected ? protection_of(is_sent ? write_level_ : read_level_) : trace::Protection::none,
      to_string(alert), why, is_sent ? trace::StreamRange{sent_, sent_ + size} : record_in_});
}

void Session::tell_keys(Direction direction, Level level, bool is_update) const {
  const auto way = direction == Direction::write ? trace::Way::sent : trace::Way::received;
  sink_->on(trace::TlsKeys{way, protection_of(level), is_update});
}

void Session::tell_connected() const {
  const Summary& agreed = summary();
  const std::string version = to_string(agreed.version);
  const std::string group = agreed.group ? to_string(*agreed.group) : "";
  const std::string scheme = agreed.peer_scheme ? to_string(*agreed.peer_scheme) : "";
  sink_->on(trace::TlsConnected{version, agreed.suite->name, group, scheme, agreed.protocol,
                                agreed.is_resumed, agreed.is_retried});
}

}  // namespace handfast::tls
