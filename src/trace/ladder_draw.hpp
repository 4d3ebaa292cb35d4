// From what a ladder remembers to rows, and from rows to text.
#pragma once

#include <string>
#include <vector>

#include "trace/canvas.hpp"
#include "trace/ladder_model.hpp"

namespace handfast::trace::ladder {

/// One rung. An arrow is one row, at the time when it was sent; where its receiver did something
/// else before it arrived (segments cross) it is two: its departure and its arrival.
struct Row {
  enum class Kind : u8 { heading, arrow, lost, departure, arrival, mark, fold };

  Kind kind = Kind::mark;
  Instant at{};
  u32 order = 0;
  u32 from = 0;  // endpoint
  u32 to = 0;
  Instant arrived = never;
  u16 flag_bits = 0;
  u32 payload_length = 0;
  struct Message {
    std::u32string name{};
    std::u32string fields{};
  };
  std::u32string port{};                      // ":49152 " where connections run side by side
  std::vector<Message> messages{};            // of TLS and HTTP
  std::u32string flags{};                     // "SYN,ACK"
  std::u32string numbers{};                   // "seq 0 ack 1 len 18"
  std::vector<std::u32string> extras{};       // one below the other
  std::vector<std::pair<u32, Note>> notes{};  // beside which endpoint
  bool is_repeat = false;
};

/// Rows in order of time.
std::vector<Row> make_rows(const Record& record, const LadderOptions& options);

std::string draw(const Record& record, const LadderOptions& options);

}  // namespace handfast::trace::ladder
