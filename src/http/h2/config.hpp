// What an HTTP/2 connection lets its peer do, and make us hold.
#pragma once

#include "base/types.hpp"
#include "http/config.hpp"

namespace handfast::http::h2 {

struct Config {
  /// Sections of fields: head_bytes_max counts names and values as decoded, and 32 bytes for each
  /// field (RFC 9113 §6.5.2); target_bytes_max, fields_max and informational_max as in HTTP/1.1.
  http::Config http{};
  u32 streams_max = 100;          // that the peer may have open, and that are not released
  u32 continuations_max = 8;      // frames that one section of fields may go on in
  u32 settings_entries_max = 32;  // in one SETTINGS frame

  /// Content that the peer may send ahead of consume(), in bytes: of a stream, of all of them.
  u32 stream_window_max = 256u << 10;
  u32 connection_window_max = 1u << 20;
  /// Content that send() keeps until it may go, in bytes: of a stream, of all of them.
  u32 stream_send_max = 64u << 10;
  u32 connection_send_max = 512u << 10;
  /// Frames that wait to be written because the peer reads none.
  u32 frames_waiting_max = 1000;

  /// Streams that end early: the peer took them back, or what it sent was malformed. So many at
  /// once, and so many a second after that.
  u32 resets_burst_max = 500;
  u32 resets_per_second_max = 100;
  /// Frames that ask for work and bring no message nearer its end: SETTINGS, PING, PRIORITY, empty
  /// DATA.
  u32 idle_frames_burst_max = 1000;
  u32 idle_frames_per_second_max = 200;
};

}  // namespace handfast::http::h2
