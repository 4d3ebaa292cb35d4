// What goes into an HTTP client and what comes out, whichever version of HTTP carries it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <asio/awaitable.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "http/message.hpp"
#include "http/target.hpp"
#include "io/byte_stream.hpp"

namespace handfast::io {

/// Content of a request, as it is wanted.
class HttpSource {
 public:
  virtual ~HttpSource() = default;
  /// All that there is, from the beginning; none where that is not known: then it goes in chunks.
  virtual std::optional<u64> length() const = 0;
  /// The next bytes, at least one; none at the end. An error ends the exchange. Should it wait, it
  /// is waited for, also when the server has answered already.
  virtual asio::awaitable<Moved> read(MutBytes room) = 0;
  /// Begins again, for a redirect or another try; false where that cannot be.
  virtual bool rewind() = 0;
};

/// Content that is there: a text, or bytes in memory.
class HttpText final : public HttpSource {
 public:
  explicit HttpText(std::string text) : text_(std::move(text)) {}
  std::optional<u64> length() const override { return text_.size(); }
  asio::awaitable<Moved> read(MutBytes room) override;
  bool rewind() override;

 private:
  std::string text_;
  std::size_t at_ = 0;
};

/// Takes a response as it comes.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  /// The final response's head, valid during the call only. `length` is the content's, where the
  /// server says it. False: the content is not wanted, and dropped.
  virtual bool on_head(const http::Response& response, std::optional<u64> length) = 0;
  /// A piece of content. An error ends the transfer.
  virtual std::error_code on_content(Bytes bytes) = 0;
  virtual void on_trailers(http::Fields) {}
};

struct HttpField {
  std::string name;
  std::string value;
};
/// The first field called `name`, or null.
const HttpField* find(const std::vector<HttpField>& fields, std::string_view name);

/// Fields that only the connection may decide about: length, framing, Host.
bool is_framing_field(std::string_view name);
/// RFC 9110 §8.6: with these a length of 0 is told as well.
bool expects_content(std::string_view method);

struct HttpFetch {
  std::string method = "GET";
  http::Url url;
  /// In this order. A Host field takes the place of the URL's; those of framing are not for here.
  std::vector<HttpField> fields{};
  HttpSource* content = nullptr;  // outlives the exchange
};

/// How long each step may take.
struct HttpLimits {
  Duration first_byte = 60s;  // from the end of the request to the first byte of the answer
  Duration idle = 60s;        // without a byte either way
};

/// How long the steps took, and how many round trips, to a connection that was opened for this.
struct HttpOpening {
  bool is_reused = false;  // then there were none
  Duration name{};
  Duration tcp{};
  Duration tls{};
  u32 name_trips = 0;  // questions to a name server, one after the other
  u32 attempts = 0;    // at connections, of which the last was taken
  u32 tcp_trips = 0;
  u32 tls_trips = 0;  // none where the request went out as early data
};

/// When what happened.
struct HttpTiming {
  HttpOpening opening{};
  Duration first_byte{};  // from the start of the request
  Duration transfer{};    // from there to the end
  tls::EarlyData early_data{};
  std::optional<Duration> round_trip{};  // as TCP measured it
};

struct HttpResult {
  u16 status = 0;
  std::string reason{};
  std::string location{};  // of a redirect (RFC 9110 §15.4), else ""
  std::string retry_after{};
  u64 content_bytes = 0;  // as they came, before decoding
  http::Url url{};        // that answered, after redirects
  HttpTiming timing{};
};

/// A transfer that did not succeed as a whole. What of it came has been given to the sink.
struct HttpFailure {
  enum class Kind : u8 {
    stream,     // the connection failed: `code`
    timeout,    // a limit has passed: `why`
    cut_off,    // the connection ended inside the response
    protocol,   // the response is not HTTP as we accept it: `why`
    sink,       // the sink refused: `code`
    source,     // the request's content could not be read: `code`
    name,       // the host has no address
    connect,    // no address took the connection
    tls,        // the handshake failed
    proxy,      // the proxy refused
    redirect,   // one that cannot or must not be followed
    coding,     // the content cannot be unpacked
    cancelled,  // by cancel()
  };
  Kind kind = Kind::stream;
  std::error_code code{};
  std::string why{};     // what happened, in words
  std::string where{};   // the name or address that it happened to
  std::string advice{};  // what to do
  u64 content_bytes = 0;
  bool is_answered = false;  // something of a response came
};

/// By cancel() or abort().
HttpFailure cancelled();

using HttpOutcome = Result<HttpResult, HttpFailure>;

/// What a channel knows of an exchange.
struct HttpProgress {
  Instant started{};
  std::optional<Instant> first_byte{};  // of the response
  HttpResult result{};

  void on_head(const http::Response& response);
  /// The end, at `now`; with the failure, if it was one.
  HttpOutcome conclude(std::optional<HttpFailure> failed, ByteStream& stream, Instant now);
};

/// A connection that carries exchanges: one after the other in HTTP/1.1, many at a time in HTTP/2.
class HttpChannel {
 public:
  virtual ~HttpChannel() = default;
  HttpChannel(const HttpChannel&) = delete;
  HttpChannel& operator=(const HttpChannel&) = delete;

  /// One request and its response. This, `request`, its source and `sink` outlive it. Only while
  /// can_take().
  virtual asio::awaitable<HttpOutcome> exchange(const HttpFetch& request, const HttpLimits& limits,
                                                HttpSink& sink) = 0;
  /// Another exchange can begin now.
  virtual bool can_take() = 0;
  /// Nothing is under way.
  virtual bool is_idle() const = 0;
  /// Ends it, politely where that is possible at once. What is under way fails.
  virtual void close() = 0;
  virtual void abort() = 0;
  virtual ByteStream& stream() = 0;

 protected:
  HttpChannel() = default;
};

}  // namespace handfast::io
