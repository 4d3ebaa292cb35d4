// The ladder: what two or more hosts said to each other, one line for each segment, with the
// messages of TLS and HTTP that it carries, the state that each end enters and why. It is fed by
// one Sink for each endpoint and drawn at the end.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "trace/event.hpp"
#include "trace/ladder_model.hpp"
#include "trace/round_trips.hpp"

namespace handfast::trace {

class Ladder {
 public:
  Ladder();
  ~Ladder();
  Ladder(const Ladder&) = delete;
  Ladder& operator=(const Ladder&) = delete;

  /// A new column, from left to right; the sink lives as long as the ladder.
  Sink& endpoint(std::string_view name);
  /// Takes FrameImpaired events of the network between the endpoints (any endpoint's sink does
  /// that too).
  Sink& wire();

  /// All that was seen, as lines of text.
  std::string render(const LadderOptions& options) const;

  /// Segments sent so far in both directions, each once: what a capture of the wire must show too.
  const std::vector<ladder::Arrow>& arrows() const { return record_.arrows; }
  /// Handshakes and answers, and what each cost whoever waited for it.
  const std::vector<Phase>& phases() const { return round_trips_.phases(); }

 private:
  class EndpointSink;
  /// One way of one connection.
  struct Numbers {
    bool begun = false;
    u32 first = 0;     // sequence number that is shown as 0
    u32 sent_end = 0;  // behind the last one sent so far
    bool syn_had_ack = false;
  };
  struct Call {
    wire::Flow flow{};
    ladder::Mark mark{};
    bool sends_data = false;  // or a SYN, FIN or RST
  };
  /// What an endpoint did last, to know what its next state change is about.
  struct Last {
    u32 received = ladder::none;  // arrow
    Instant received_at{};
    u32 sent = ladder::none;
    Instant sent_at{};
    Instant timer_at = never;
    std::string timer;
    std::vector<Call> calls;  // state changes that wait for the segment they send
  };

  void on(u32 endpoint, Instant now, const Event& event);
  void on_sent(u32 endpoint, Instant now, const SegmentSent& event);
  void on_received(u32 endpoint, Instant now, const SegmentReceived& event);
  void on_state(u32 endpoint, Instant now, const StateChanged& event);
  void on_dropped(u32 endpoint, Instant now, const PacketDropped& event);
  void on_impaired(Instant now, const FrameImpaired& event);
  void on_phase(u32 endpoint, Instant now, const StateChanged& event);
  // ladder_streams.cpp
  void on_stream(u32 endpoint, Instant now, const StreamTold& told);
  void on_record(u32 endpoint, Instant now, const wire::Flow& flow, const TlsRecord& record);
  void on_tls_state(u32 endpoint, Instant now, const wire::Flow& flow, const TlsState& state);
  void on_tls_connected(u32 endpoint, Instant now, const wire::Flow& flow,
                        const TlsConnected& connected);
  void on_head(u32 endpoint, Instant now, const wire::Flow& flow, const HttpHead& head);
  void on_http_end(u32 endpoint, Instant now, const wire::Flow& flow, const HttpEnd& end);
  void add_message(const wire::Flow& flow, ladder::Message message);
  ladder::Note& note_of_tls(u32 endpoint, Instant now, const wire::Flow& flow);
  ladder::Note& add_note(u32 endpoint, Instant now, const wire::Flow& flow, ladder::Note note);
  void settle_calls(u32 endpoint, Instant now);

  Numbers& numbers(const wire::Endpoint& from, const wire::Endpoint& to);
  ladder::Arrow describe(const SegmentSent& event);
  u32 find_arrow(const wire::Flow& flow, const wire::TcpHeader& header, u32 payload_length,
                 bool newest) const;
  u32 find_packet(Bytes packet, bool newest) const;
  void arrive(u32 number, u32 endpoint, Instant now, u32 payload_length);

  ladder::Record record_;
  std::map<std::pair<wire::Endpoint, wire::Endpoint>, Numbers> numbers_;
  RoundTrips round_trips_;
  std::vector<u32> in_flight_;
  std::vector<Last> last_;
  std::deque<std::unique_ptr<EndpointSink>> sinks_;
  u32 order_ = 0;
};

}  // namespace handfast::trace
