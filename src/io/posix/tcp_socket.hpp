// A stream socket over a connection or a listener of a Host, with the conventions of Linux: what
// each call does and returns in each state, which errors are told once, what poll() shows. One try
// a call: -EAGAIN where it would have to wait.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "host/host.hpp"
#include "io/posix/descriptor.hpp"
#include "io/posix/environment.hpp"
#include "io/posix/error_queue.hpp"
#include "io/posix/send_reports.hpp"
#include "io/posix/socket_options.hpp"

namespace handfast::io::posix {

/// The buffers of one call, taken from the front as they are filled or sent.
class Transfer {
 public:
  explicit Transfer(std::span<const iovec> pieces) : pieces_(pieces) { skip_empty(); }
  /// The next contiguous piece; empty at the end.
  MutBytes next() const;
  void advance(std::size_t n);
  /// What was done does not count: the call fails.
  void forget() { done_ = 0; }
  std::size_t done() const { return done_; }
  std::size_t left() const;
  /// What the next `count` pieces hold.
  std::size_t left_in(std::size_t count) const;

 private:
  void skip_empty();

  std::span<const iovec> pieces_;
  std::size_t offset_ = 0;  // into the first piece
  std::size_t done_ = 0;
};

class TcpSocket;
/// Those that wait for more than events tell: room, or the end of a send.
using ExpectingSockets = std::vector<TcpSocket*>;

class TcpSocket final : public Descriptor {
 public:
  /// It enters itself into `expecting`, and leaves when it is gone.
  TcpSocket(host::Host& host, Environment& environment, ExpectingSockets& expecting, int family,
            SocketOptions initial);
  ~TcpSocket() override;

  u32 readiness() override;
  void close() override;

  // 0 or a negative errno.
  int bind(const wire::Endpoint& local);
  int listen(int backlog);
  int connect(const wire::Endpoint& remote);
  int shutdown(int how);
  /// A socket for the next connection that finished its handshake; null with `error` set.
  std::shared_ptr<TcpSocket> accept(int& error);
  /// Bytes moved now, or a negative errno. A partial transfer is no error.
  long receive(Transfer& into, int flags);
  long send(Transfer& from, int flags, const wire::Endpoint* to);
  long receive_error(msghdr& message) { return errors_.receive(message, family_); }

  void on_event(tcp::Event event);
  /// After time or packets went by: whether there is room to write again, and which sends are
  /// complete. To be called while is_expecting().
  void on_progress();
  bool is_expecting() const { return no_space_ || !reports_.empty(); }
  /// The pending error, which is told once (SO_ERROR).
  int take_error();

  host::Listen listener(bool v6) const { return v6 ? listener_v6_ : listener_; }
  host::Conn name() const { return name_; }
  /// Null where there is none (any more).
  tcp::Connection* connection() const { return host_.find(name_); }
  wire::Endpoint local() const;
  std::optional<wire::Endpoint> remote() const;
  int family() const { return family_; }
  bool is_listening() const { return listening_; }
  /// What is read next is urgent (SIOCATMARK).
  bool is_at_mark() const;
  /// Neither a listener nor ever connected.
  bool is_fresh() const { return !listening_ && !name_ && !ended_; }
  bool is_bound() const { return bound_; }
  /// CLOSE has been acknowledged, or the connection is over: what lingering waits for.
  bool is_drained() const;
  /// Closes but keeps the descriptor's connection, so that is_drained() can be asked.
  void begin_close();

  SocketOptions options;
  /// After a change of `options`.
  void apply_options();

 private:
  int start(const wire::Endpoint& remote);
  bool has_cookie_for(const wire::Endpoint& remote) const;
  long send_early(Transfer& from, int flags, const wire::Endpoint& to);
  long queue(tcp::Connection& connection, Transfer& from, u32 limit, bool more, bool urgent);
  long end_of_stream();
  long receive_urgent(Transfer& into);
  int stream_error();
  long queue_chunk(tcp::Connection& connection, Transfer& from, int flags);
  static u32 memory_of(const tcp::Connection& connection, u32 queued);
  u32 send_limit() const;
  bool has_memory(const tcp::Connection& connection) const;
  bool is_zerocopy(int flags) const;
  void owe_reports(int flags, bool last);
  bool is_writable() const;
  void wait_for_space(bool wait);
  void expand_send_buffer(const tcp::Connection& connection);
  void take_reports();
  void take_soft_error();
  void expect();
  void round_receive_buffer();

  host::Host& host_;
  Environment& environment_;
  ExpectingSockets& expecting_;
  int family_;
  int error_ = 0;
  bool bound_ = false;
  bool listening_ = false;
  bool connecting_ = false;  // connect() has not reported the outcome yet
  bool read_shut_ = false;
  bool write_shut_ = false;
  bool ended_ = false;  // the connection is closed for good
  bool reset_ = false;  // and not in order
  wire::Endpoint local_{};
  host::Listen listener_{};
  host::Listen listener_v6_{};  // an AF_INET6 socket on :: takes both families
  host::Conn name_{};
  bool early_wait_ = false;  // a blocking send opened the connection, and waits for it
  std::optional<wire::Endpoint> deferred_{};  // TCP_FASTOPEN_CONNECT: the first write() opens
  ErrorQueue errors_;
  u32 send_buffer_ = 0;    // as it has grown, bytes of memory
  bool no_space_ = false;  // somebody wants to hear of room
  u32 unacknowledged_seen_ = 0;
  SendReports reports_;
  u32 timestamping_ = 0;  // as reports_ knows it
  u64 bytes_queued_ = 0;
  u64 bytes_pushed_ = 0;  // up to where a segment with PSH will have gone
  bool buffer_closed_ = false;
  u64 buffer_start_ = 0;  // where the last buffer of the send queue begins, in bytes queued
};

/// The errno for the way in which a connection ended.
int errno_of(tcp::Errc code);

}  // namespace handfast::io::posix
