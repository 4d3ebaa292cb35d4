// What TLS and HTTP tell: messages for the arrows of the segments that carry them, states and
// round trips for the ends.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "trace/ladder.hpp"
#include "trace/names.hpp"

namespace handfast::trace {

using ladder::Arrow;
using ladder::Message;
using ladder::none;
using ladder::Note;
using Kind = RoundTrips::Kind;

namespace {

constexpr std::string_view tls_prefix = "TLS ";

/// The values of "SNI=example.org" are too long for an arrow.
std::string without_values(std::string_view fields) {
  std::string text;
  while (!fields.empty()) {
    const std::string_view word = fields.substr(0, fields.find(' '));
    fields.remove_prefix(std::min(word.size() + 1, fields.size()));
    text += (text.empty() ? "" : " ") + std::string(word.substr(0, word.find('=')));
  }
  return text;
}

void add_why(Note& note, std::string_view why) {
  if (!note.why.empty()) note.why += "; ";
  note.why += why;
}

}  // namespace

namespace ladder {

const Stream::Piece* Stream::piece_of(u64 content) const {
  const auto after = std::ranges::upper_bound(pieces, content, {}, &Piece::content);
  if (after == pieces.begin()) return nullptr;
  const Piece& piece = *std::prev(after);
  return content < piece.content_end ? &piece : nullptr;
}

std::vector<Carried> carried_by(const Record& record, const Arrow& arrow) {
  std::vector<Carried> all;
  const auto found = record.streams.find(arrow.flow);
  if (found == record.streams.end() || arrow.payload_length == 0) return all;
  const Stream& stream = found->second;
  const u64 begin = arrow.relative_sequence - 1;  // the SYN has number 0
  const u64 end = begin + arrow.payload_length;
  for (const Message& message : stream.messages) {
    Message placed = message;
    if (message.in_content && !stream.pieces.empty()) {
      const Stream::Piece* first = stream.piece_of(message.begin);
      const Stream::Piece* last = stream.piece_of(message.end - 1);
      if (first == nullptr || last == nullptr) continue;  // never sealed
      placed.begin = first->begin + (message.begin - first->content);
      placed.end = last->begin + (message.end - last->content);
      placed.protection = first->protection;
    }
    if (placed.begin >= end || placed.end <= begin) continue;
    const bool begins_here = placed.begin >= begin;
    all.push_back({placed.begin,
                   in_brackets(placed.protection, (begins_here ? "" : "…") + message.name),
                   begins_here ? message.fields : ""});
  }
  std::ranges::sort(all, {}, &Carried::begin);
  return all;
}

}  // namespace ladder

void Ladder::on_stream(u32 endpoint, Instant now, const StreamTold& told) {
  const wire::Flow& flow = told.flow;
  if (const auto* message = std::get_if<TlsMessage>(&told.event)) {
    if (message->way == Way::sent)
      add_message(flow, {std::string(message->name), without_values(message->fields),
                         message->protection, message->range.begin, message->range.end});
  } else if (const auto* record = std::get_if<TlsRecord>(&told.event)) {
    if (record->way == Way::sent) on_record(endpoint, now, flow, *record);
  } else if (const auto* alert = std::get_if<TlsAlert>(&told.event)) {
    if (alert->way == Way::sent)
      add_message(flow, {"Alert", std::string(alert->name), alert->protection, alert->range.begin,
                         alert->range.end});
  } else if (const auto* state = std::get_if<TlsState>(&told.event)) {
    on_tls_state(endpoint, now, flow, *state);
  } else if (const auto* secrets = std::get_if<TlsSecrets>(&told.event)) {
    if (!secrets->from.empty())
      add_why(note_of_tls(endpoint, now, flow), fmt::format("keys from {}", secrets->from));
  } else if (const auto* connected = std::get_if<TlsConnected>(&told.event)) {
    on_tls_connected(endpoint, now, flow, *connected);
  } else if (const auto* head = std::get_if<HttpHead>(&told.event)) {
    if (head->way == Way::sent) on_head(endpoint, now, flow, *head);
  } else if (const auto* end = std::get_if<HttpEnd>(&told.event)) {
    if (end->way == Way::received) on_http_end(endpoint, now, flow, *end);
  }
}

void Ladder::add_message(const wire::Flow& flow, Message message) {
  auto& messages = record_.streams[flow].messages;
  if (messages.size() < ladder::Record::arrows_max) messages.push_back(std::move(message));
}

void Ladder::on_record(u32 endpoint, Instant now, const wire::Flow& flow, const TlsRecord& record) {
  if (record.type == "change_cipher_spec")
    add_message(flow,
                {"ChangeCipherSpec", "", record.protection, record.range.begin, record.range.end});
  if (record.type != "application_data") return;
  auto& pieces = record_.streams[flow].pieces;
  if (pieces.size() < ladder::Record::arrows_max)
    pieces.push_back(
        {record.content.begin, record.content.end, record.range.begin, record.protection});
  // Who sends early data has not waited.
  round_trips_.end(Kind::tls, endpoint, flow, now);
}

void Ladder::on_tls_state(u32 endpoint, Instant now, const wire::Flow& flow,
                          const TlsState& state) {
  const bool begins = state.role == "client" && state.from == "START";
  if (begins) {
    round_trips_.begin(Kind::tls, endpoint, flow, "TLS", now);
    Note note{std::string(tls_prefix) += state.to, "", Note::Tone::plain};
    last_[endpoint].calls.push_back({flow, {endpoint, now, order_, std::move(note)}, true});
    return;
  }
  Note& note = note_of_tls(endpoint, now, flow);
  note.state = std::string(tls_prefix) += state.to;
  if (state.to != "FAILED") return;
  note.why = state.why;
  note.tone = Note::Tone::trouble;
}

void Ladder::on_tls_connected(u32 endpoint, Instant now, const wire::Flow& flow,
                              const TlsConnected& connected) {
  round_trips_.end(Kind::tls, endpoint, flow, now);
  Phase* phase = round_trips_.last(Kind::tls, endpoint, flow);
  if (phase == nullptr) return;  // the server waits for nobody
  phase->what = fmt::format("{}{}{}", connected.version, connected.is_resumed ? " resumed" : "",
                            phase->end < now ? ", early data" : "");
  add_why(note_of_tls(endpoint, now, flow), round_trips_text(phase->round_trips));
}

void Ladder::on_head(u32 endpoint, Instant now, const wire::Flow& flow, const HttpHead& head) {
  add_message(flow, {std::string(head.line), std::string(head.fields), Protection::none,
                     head.range.begin, head.range.end, true});
  if (head.is_request) round_trips_.begin(Kind::http, endpoint, flow, std::string(head.line), now);
}

void Ladder::on_http_end(u32 endpoint, Instant now, const wire::Flow& flow, const HttpEnd& end) {
  if (!round_trips_.end(Kind::http, endpoint, flow, now)) return;
  const Phase* phase = round_trips_.last(Kind::http, endpoint, flow);
  add_note(endpoint, now, flow,
           {"answered", fmt::format("{}, {}", round_trips_text(phase->round_trips),
                                    end.is_kept_alive ? "stays open" : "closes")});
}

/// What the end notes beside the segment that it got just now, or alone.
Note& Ladder::add_note(u32 endpoint, Instant now, const wire::Flow& flow, Note note) {
  const Last& last = last_[endpoint];
  if (last.received != none && last.received_at == now) {
    Arrow& arrow = record_.arrows[last.received];
    if (arrow.flow == wire::Flow{flow.remote, flow.local})
      return arrow.at_receiver.emplace_back(std::move(note));
  }
  return record_.marks.emplace_back(ladder::Mark{endpoint, now, order_, std::move(note)}).note;
}

/// One for all that a segment makes TLS do: the last state counts.
Note& Ladder::note_of_tls(u32 endpoint, Instant now, const wire::Flow& flow) {
  const auto is_of_tls = [](const Note& note) { return note.state.starts_with("TLS"); };
  const Last& last = last_[endpoint];
  if (last.received != none && last.received_at == now) {
    auto& notes = record_.arrows[last.received].at_receiver;
    const auto found = std::ranges::find_if(notes, is_of_tls);
    if (found != notes.end()) return *found;
  } else if (!record_.marks.empty() && record_.marks.back().endpoint == endpoint &&
             record_.marks.back().at == now && is_of_tls(record_.marks.back().note)) {
    return record_.marks.back().note;
  }
  return add_note(endpoint, now, flow, {"TLS", "", Note::Tone::plain});
}

}  // namespace handfast::trace
