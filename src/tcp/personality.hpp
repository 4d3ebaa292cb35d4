// Where the standards leave freedom each stack has its own habits. A personality is a set of them:
// what a SYN looks like, how long things are waited for, how much is sent at first.
#pragma once

#include "tcp/config.hpp"

namespace handfast::tcp {

enum class Personality : u8 {
  linux,    // what Config says by itself
  freebsd,  // FreeBSD 14
  rfc,      // the recommended values of the RFCs, to the letter
};

constexpr Config freebsd_config() {
  Config config;
  config.option_style = wire::OptionStyle::freebsd;
  config.syn_retries_max = 12;
  config.syn_ack_retries_max = 3;
  config.send_buffer_max = 2u << 20;
  config.receive_buffer_max = 2u << 20;  // so that a SYN says "wscale 6"
  config.rto_min = 30ms;
  config.rto_min_of_sum = true;
  config.rto_max = 64s;
  config.retries_max = 12;
  config.quick_acks = 0;
  config.keepalive_probes_max = 8;
  return config;
}

constexpr Config rfc_config() {
  Config config;
  config.option_style = wire::OptionStyle::rfc;
  config.syn_retries_max = 7;      // RFC 9293 §3.8.3 (MUST-23): R2 of a SYN is at least 3 minutes
  config.syn_ack_retries_max = 7;  // the same
  config.msl = 120s;               // RFC 9293 §3.4.2
  config.rto_min = 1s;             // RFC 6298 §2.4
  config.rto_min_of_sum = true;    // the same
  config.rto_max = 60s;            // RFC 6298 §2.5
  config.delayed_ack = 200ms;      // RFC 9293 §3.8.6.3: less than 500 ms
  config.quick_acks = 0;
  config.congestion = Algorithm::reno;  // RFC 5681
  config.initial_window_segments = 3;   // RFC 5681 §3.1, for segments up to 2190 bytes
  return config;
}

constexpr Config config_of(Personality personality) {
  switch (personality) {
    case Personality::linux: break;
    case Personality::freebsd: return freebsd_config();
    case Personality::rfc: return rfc_config();
  }
  return {};
}

}  // namespace handfast::tcp
