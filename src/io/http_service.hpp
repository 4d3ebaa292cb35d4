// What all connections of an HTTP server share: options, counters, and how a reply becomes a head.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "base/types.hpp"
#include "http/connection.hpp"
#include "http/date.hpp"
#include "io/http_site.hpp"
#include "wire/address.hpp"

namespace handfast::io {

struct HttpServerOptions {
  std::string name = "handfast";      // the Server field
  Duration idle_timeout = 30s;        // between two requests
  Duration request_timeout = 20s;     // from a request's first byte to its last
  Duration write_timeout = 60s;       // without any progress of a response
  Duration linger_timeout = 2s;       // for the client's FIN behind ours (RFC 9112 §9.6)
  u32 connections_max = 4096;         // more wait in the listener's backlog
  u64 request_content_max = 1 << 20;  // bytes that are read and dropped; beyond, 413
  http::Config http{};
  /// Seconds since 1970, for the Date field; empty: the system's clock.
  std::function<i64()> unix_time{};
};

struct HttpServerCounters {
  u64 connections = 0;
  u32 connections_open = 0;
  u64 requests = 0;
  u64 refused = 0;        // answered by 4xx or 5xx
  u64 content_bytes = 0;  // handed to the transport
  u64 cut_off = 0;        // responses that could not be finished
};

/// One answered request.
struct HttpAccess {
  wire::Endpoint client;
  std::string method;  // "-" for what was no request
  std::string target;
  u16 status = 0;
  u64 content_bytes = 0;
  bool complete = false;
};

/// The fields of a response. It must not move while they are used.
class HttpHead {
 public:
  HttpHead(const HttpReply& reply, std::string_view server, i64 now);
  HttpHead(const HttpHead&) = delete;
  HttpHead& operator=(const HttpHead&) = delete;
  http::Response response() const { return {status_, {}, 1, http::Fields(fields_).first(count_)}; }

 private:
  void add(std::string_view name, std::string_view value) { fields_[count_++] = {name, value}; }

  u16 status_;
  u32 count_ = 0;
  std::array<http::Field, 10> fields_{};
  http::DateText date_;
  http::DateText modified_{};
  std::string length_;
};

/// Must outlive the sessions that use it.
class HttpService {
 public:
  HttpService(HttpSite& site, HttpServerOptions options)
      : site_(site), options_(std::move(options)) {}

  const HttpServerOptions& options() const { return options_; }
  HttpServerCounters& counters() { return counters_; }
  HttpReply answer(const http::Request& request) { return site_.answer(request); }
  i64 unix_time() const;

  void on_access(std::function<void(const HttpAccess&)> told) { told_ = std::move(told); }
  void tell(const HttpAccess& access);

  bool stopping = false;  // sessions end after the response at hand

 private:
  HttpSite& site_;
  HttpServerOptions options_;
  HttpServerCounters counters_;
  std::function<void(const HttpAccess&)> told_;
};

}  // namespace handfast::io
