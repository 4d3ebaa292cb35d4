// What a peer may make us hold.
#pragma once

#include "base/types.hpp"

namespace handfast::http {

struct Config {
  u32 head_bytes_max = 16u << 10;         // start line and fields, or a trailer section
  u32 target_bytes_max = 8000;            // RFC 9112 §3 asks for at least 8000
  u32 fields_max = 100;                   // a section
  u32 chunk_line_bytes_max = 256;         // chunk size and its extensions
  u32 chunk_extensions_bytes_max = 4096;  // all of a message (RFC 9112 §7.1.1)
  u32 informational_max = 16;             // 1xx responses before the final one
};

}  // namespace handfast::http
