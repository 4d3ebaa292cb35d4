#include "io/http_metrics.hpp"

#include <chrono>

#include <fmt/format.h>

namespace handfast::io {
namespace {

class Page {
 public:
  void counter(std::string_view name, std::string_view help, u64 value) {
    head(name, help, "counter");
    text_ += fmt::format("handfast_{} {}\n", name, value);
  }
  void gauge(std::string_view name, std::string_view help, u64 value) {
    head(name, help, "gauge");
    text_ += fmt::format("handfast_{} {}\n", name, value);
  }
  void head(std::string_view name, std::string_view help, std::string_view type) {
    text_ += fmt::format("# HELP handfast_{0} {1}\n# TYPE handfast_{0} {2}\n", name, help, type);
  }
  template <class... Values>
  void line(fmt::format_string<Values...> form, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), form, std::forward<Values>(values)...);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string metrics_text(const HttpServerCounters& counters) {
  Page page;
  page.counter("http_connections_total", "Connections accepted.", counters.connections);
  page.gauge("http_connections_open", "Connections open now.", counters.connections_open);
  page.counter("http_connections_turned_away_total", "Connections answered by 503 at the limit.",
               counters.turned_away);
  page.head("http_requests_total", "Requests, by the class of their status.", "counter");
  for (std::size_t i = 1; i < counters.by_class.size(); ++i)
    page.line("handfast_http_requests_total{{code=\"{}xx\"}} {}\n", i, counters.by_class[i]);
  page.line("handfast_http_requests_total{{code=\"none\"}} {}\n", counters.by_class[0]);
  page.counter("http_responses_cut_off_total", "Responses that could not be finished.",
               counters.cut_off);
  page.counter("http_content_bytes_total", "Content handed to the transport.",
               counters.content_bytes);
  page.head("http_request_seconds", "From a request's head to the end of its answer.", "histogram");
  u64 sum = 0;
  for (std::size_t i = 0; i < counters.by_duration.size(); ++i) {
    sum += counters.by_duration[i];
    const bool is_last = i == HttpServerCounters::durations.size();
    page.line("handfast_http_request_seconds_bucket{{le=\"{}\"}} {}\n",
              is_last ? "+Inf" : fmt::format("{}", seconds(HttpServerCounters::durations[i])), sum);
  }
  page.line("handfast_http_request_seconds_sum {}\nhandfast_http_request_seconds_count {}\n",
            seconds(counters.duration_sum), sum);
  page.counter("tls_handshakes_total", "TLS handshakes that succeeded.", counters.handshakes);
  page.counter("tls_handshakes_failed_total", "TLS handshakes that failed.",
               counters.handshakes_failed);
  return page.take();
}

std::string metrics_text(const tcp::Counters& counters) {
  Page page;
  page.counter("tcp_segments_received_total", "Segments received.", counters.segments_in);
  page.counter("tcp_segments_sent_total", "Segments sent.", counters.segments_out);
  page.counter("tcp_segments_retransmitted_total", "Segments sent again.",
               counters.segments_retransmitted);
  page.counter("tcp_bytes_received_total", "Payload accepted in order.", counters.bytes_in);
  page.counter("tcp_bytes_sent_total", "Payload sent for the first time.", counters.bytes_out);
  page.counter("tcp_passive_opens_total", "Connections that others opened.",
               counters.passive_opens);
  page.counter("tcp_resets_sent_total", "Resets sent.", counters.resets_out);
  page.counter("tcp_established_resets_total", "Connections ended by a reset.",
               counters.established_resets);
  page.counter("tcp_timeouts_total", "Retransmission time-outs.", counters.timeouts);
  page.counter("tcp_fast_retransmits_total", "Losses repaired without a time-out.",
               counters.fast_retransmits);
  page.counter("tcp_syn_floods_total", "SYN floods that began.", counters.syn_floods);
  page.counter("tcp_syn_cookies_sent_total", "SYN cookies sent.", counters.syn_cookies_sent);
  return page.take();
}

}  // namespace handfast::io
