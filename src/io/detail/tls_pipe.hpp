// A TLS session and the bytes on both of its sides: what came and is not fed yet, what was sealed
// and is not written yet, and what was sent early and may have to be sent again. Its buffers are
// the context's, and here only while something is in them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/result.hpp"
#include "io/tls_context.hpp"

namespace handfast::io::detail {

class TlsPipe {
 public:
  /// `sink` may be null, and outlives this.
  TlsPipe(TlsContext& context, std::string_view server_name, trace::StreamSink* sink);
  TlsPipe(TlsContext& context, trace::StreamSink* sink);
  TlsPipe(const TlsPipe&) = delete;
  TlsPipe& operator=(const TlsPipe&) = delete;
  ~TlsPipe();

  tls::Session& session() { return session_; }
  const tls::Session& session() const { return session_; }
  /// Data may flow. A server that takes early data need not wait for the handshake's end.
  bool is_ready() const { return session_.is_connected() || session_.can_seal(); }

  /// Where the next bytes from the stream go, and that `n` came.
  MutBytes space();
  void came(std::size_t n) { end_ += to<u32>(n); }
  /// Whether all that came is fed and used: then a wait for more needs no buffer, and has none.
  bool release_if_empty();
  /// Gives the session what came; false where it took none of it.
  bool feed();

  /// Puts the session's own records and then those of `bytes` into gathered(), unless something is
  /// in that; returns how many of `bytes` are. Before the handshake's end they are early data, as
  /// far as that may go.
  std::size_t gather(Bytes bytes);
  Bytes gathered() const { return output_.all().first(output_end_).subspan(output_begin_); }
  /// So many bytes of gathered() are in the stream below.
  void written(std::size_t n);
  void release_output();

  /// So many bytes can go out with the ClientHello. They are kept until the server has answered.
  std::size_t early_room() const;
  /// The handshake is done: what the server did not take and has to go out again.
  Result<std::vector<u8>, std::error_code> take_rejected();

 private:
  void release_input();

  static constexpr u32 read_bytes = 2 * tls::record_size_max;
  static constexpr u32 write_bytes = 4 * (tls::fragment_max + tls::record_overhead_max);
  static constexpr u32 early_bytes_kept_max = 64u << 10;

  TlsContext& context_;
  std::string server_name_;
  std::shared_ptr<SpareBuffers> spare_;
  tls::Session session_;
  Buffer input_;  // what came is [begin_, end_)
  u32 begin_ = 0;
  u32 end_ = 0;
  Buffer output_;
  u32 output_begin_ = 0;
  u32 output_end_ = 0;
  std::vector<u8> early_;  // nobody knows yet whether the server took it
};

}  // namespace handfast::io::detail
