// What a ladder remembers before it is drawn.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "trace/stream_event.hpp"
#include "wire/address.hpp"

namespace handfast::trace {

struct LadderOptions {
  static constexpr u32 width_min = 60;

  u32 width = 100;     // columns; no line is longer. Below width_min it is taken as width_min
  bool ascii = false;  // pure ASCII instead of box drawing
  bool color = false;  // ANSI colours
  bool fold = true;    // long runs of uneventful data become one line
};

}  // namespace handfast::trace

namespace handfast::trace::ladder {

inline constexpr u32 none = 0xffffffff;

/// Beside a line: a state that was entered, or only a remark.
struct Note {
  enum class Tone : u8 { plain, repeat, trouble };
  std::string state{};  // "SYN_RCVD", or empty
  std::string why{};
  Tone tone = Tone::plain;
};

/// One segment (or super-segment) on its way from one endpoint to another.
struct Arrow {
  enum class Fate : u8 { in_flight, arrived, lost, dropped };

  u32 from = none;    // endpoint
  u32 to = none;      // known when it arrives
  wire::Flow flow{};  // as its sender sees it
  Instant sent{};
  Instant arrived = never;
  u32 sent_order = 0;  // of all events, to sort what happens at one time
  u32 arrived_order = 0;
  u16 flags = 0;
  u32 sequence = 0;           // as on the wire
  u32 relative_sequence = 0;  // from the initial sequence number
  u32 relative_acknowledgment = 0;
  u32 payload_length = 0;   // bytes
  u32 payload_arrived = 0;  // bytes; less than payload_length where a piece was lost
  u32 steps = 0;            // see RoundTrips
  bool is_repeat = false;   // nothing in it is sent for the first time
  std::string extra{};      // options of a SYN, SACK blocks
  Fate fate = Fate::in_flight;
  std::vector<Note> at_sender{};
  std::vector<Note> at_receiver{};
};

/// Something that happened at an endpoint without a segment.
struct Mark {
  u32 endpoint = none;
  Instant at{};
  u32 order = 0;
  Note note{};
};

/// A message of TLS or HTTP on one way of a connection.
struct Message {
  std::string name{};  // "ClientHello", "GET /"
  std::string fields{};
  Protection protection = Protection::none;
  u64 begin = 0;  // its bytes in what TCP carries
  u64 end = 0;
  bool in_content = false;  // or in what TLS carries, where there is TLS
};

/// What one way of a connection carries.
struct Stream {
  /// A record of application data.
  struct Piece {
    u64 content = 0;  // its bytes in what the application sends
    u64 content_end = 0;
    u64 begin = 0;  // where that is in what TCP carries
    Protection protection = Protection::none;
  };
  std::vector<Message> messages;
  std::vector<Piece> pieces;

  const Piece* piece_of(u64 content) const;
};

struct Record {
  static constexpr u32 arrows_max = 200'000;  // those beyond are only counted

  std::vector<std::string> names;                      // of the endpoints
  std::vector<std::vector<wire::Endpoint>> addresses;  // of each, as they were seen
  std::vector<Arrow> arrows;
  std::vector<Mark> marks;
  std::map<wire::Flow, Stream> streams;  // as their senders see them
  u64 arrows_left_out = 0;
};

/// A message as it stands on an arrow.
struct Carried {
  u64 begin = 0;
  std::string name{};  // "{Certificate}"; "{…Certificate}" where it began on an arrow before
  std::string fields{};
};
/// The messages of which `arrow` carries a part, in the order of their bytes.
std::vector<Carried> carried_by(const Record& record, const Arrow& arrow);

}  // namespace handfast::trace::ladder
