// A line for each exchange, as other servers write it.
#pragma once

#include <string>

#include "base/types.hpp"
#include "io/http_exchange.hpp"

namespace handfast::io {

enum class AccessLogFormat : u8 {
  common,    // the Common Log Format of httpd
  combined,  // and with Referer and User-Agent
  json,      // an object a line
};

/// With its end. What a client sent can neither end the line nor a quoted part of it.
std::string access_line(const HttpExchange& exchange, AccessLogFormat format, i64 unix_time,
                        Duration took);

}  // namespace handfast::io
