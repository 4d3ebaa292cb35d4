// The counters of a server in the text format of Prometheus.
#pragma once

#include <string>

#include "io/http_service.hpp"
#include "tcp/counters.hpp"

namespace handfast::io {

/// The content type of the two below.
inline constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

/// "# TYPE handfast_http_requests_total counter" and so on.
std::string metrics_text(const HttpServerCounters& counters);
/// The same of a host's TCP.
std::string metrics_text(const tcp::Counters& counters);

}  // namespace handfast::io
