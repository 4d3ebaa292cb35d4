// RFC 8446 §5 and §6: a TLS connection as one end sees it. Records in, records out; it neither
// reads nor writes a stream.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/random.hpp"
#include "tls/alert.hpp"
#include "tls/client.hpp"
#include "tls/config.hpp"
#include "tls/event.hpp"
#include "tls/records.hpp"
#include "tls/server.hpp"

namespace handfast::tls {

enum class Ending : u8 { clean, truncated, failed };

class Session {
 public:
  /// `config` and `random` outlive the session, and so does a `sink` that hears of all that
  /// happens. See tls::Client.
  static Session client(const Config& config, std::string_view server_name, crypto::Random& random,
                        std::optional<Ticket> ticket, Instant now,
                        trace::StreamSink* sink = nullptr);
  static Session server(const Config& config, crypto::Random& random,
                        trace::StreamSink* sink = nullptr);

  // What came. -------------------------------------------------------------------------------
  /// Takes records from the front of `records` and returns the bytes taken; those of a record that
  /// is not whole are left (a buffer of record_size_max holds any). Application data is decrypted
  /// where it lies: feed() stops behind it, and takes no more until plaintext() was consumed. It
  /// also stops while is_waiting(). After an error, which is final, take() has the alert.
  Result<u32, Error> feed(MutBytes records, Instant now);
  /// What feed() decrypted, as long as the bytes given to it stay where they are.
  Bytes plaintext() const { return plaintext_; }
  /// Server: what it decrypted last was early data (RFC 8446 §2.3).
  bool is_plaintext_early() const { return is_plaintext_early_; }
  /// And it may be somebody's copy of what the client sent before (§8): only HandshakeDone proves
  /// that the client is there.
  bool is_early() const { return is_plaintext_early_ && !is_connected(); }
  void consume(u32 n);
  /// The stream below ended. Without the peer's close_notify before, what came may be a part only
  /// (RFC 8446 §6.1).
  Ending end_of_input() const;

  // What goes out. ---------------------------------------------------------------------------
  /// Moves handshake records and alerts into `room`, and returns how many bytes.
  u32 take(MutBytes room);
  bool has_output() const { return taken_ < output_.size(); }

  struct Sealed {
    u32 taken = 0;    // of the plaintext
    u32 written = 0;  // to the room
  };
  /// Seals as much of `plaintext` as `room` has space for, in one or more records. Nothing while
  /// has_output(): take() that first. Only where can_seal().
  Sealed seal(Bytes plaintext, MutBytes room);
  /// After HandshakeDone; a server that takes early data answers it before. Not after close().
  bool can_seal() const;
  /// Client: so many bytes may go out as early data now (Config::offers_early_data).
  u32 early_room() const;
  /// Seals early data, of which the caller keeps a copy: HandshakeDone tells whether the server
  /// took it, in Summary::early_data. As with seal(), nothing while has_output().
  Sealed seal_early(Bytes plaintext, MutBytes room);
  /// Room for `n` bytes of plaintext, at most.
  u32 sealed_size(u32 n) const;

  /// Says close_notify: we send no more. The peer still may.
  void close();
  /// Gives up: `alert` goes out, and nothing more comes in.
  void abort(Alert alert, std::string why);

  // What happened. ---------------------------------------------------------------------------
  std::optional<Event> poll_event();
  Result<void, Error> on_verdict(Result<void, Error> verdict, Instant now);
  Result<void, Error> on_signature(Bytes signature, Instant now);
  bool is_waiting() const { return handshake().is_waiting(); }

  bool is_connected() const { return handshake().state() == State::connected; }
  bool has_peer_closed() const { return peer_closed_; }
  bool is_closed() const { return closed_; }
  const std::optional<Error>& error() const { return error_; }
  const Summary& summary() const { return handshake().summary(); }
  const Handshake& handshake() const;

  /// RFC 8446 §7.5 and RFC 5705. TLS 1.2 tells an empty context from none. Only when connected.
  void export_keying_material(std::string_view label, std::optional<Bytes> context, MutBytes out);
  /// RFC 8446 §4.6.3. Only when connected.
  void update_keys(bool request_peer);

 private:
  Session(const Config& config, std::unique_ptr<Client> client);
  Session(const Config& config, std::unique_ptr<Server> server);

  Handshake& handshake();
  Outcome pass_on(Bytes message, Instant now);

  Outcome check_header(const RecordHeader& header, Bytes start) const;
  Outcome on_record(const RecordHeader& header, MutBytes record, Instant now);
  Outcome on_plain_record(const RecordHeader& header, MutBytes body, Instant now);
  Outcome on_protected_record(MutBytes record, Instant now);
  Outcome on_content(ContentType type, MutBytes content, Instant now);
  Outcome on_change_cipher_spec(Bytes content);
  Outcome on_application_data(MutBytes content);
  Outcome on_alert(Bytes content);
  Outcome on_handshake_bytes(Bytes content, Instant now);
  Outcome pump(Instant now);
  Outcome run_actions();
  void add_event(Action& action);
  Outcome check_boundary() const;
  Outcome check_turn() const;
  Outcome install(InstallKeys& keys);
  bool skips(MutBytes record);
  u32 early_bytes_max() const;
  Outcome finish(Outcome outcome);

  void write_messages();
  void write_record(ContentType type, Bytes content);
  void write_change_cipher_spec();
  u32 content_max() const;
  Sealed seal_records(Bytes plaintext, MutBytes room);

  // What is told, where somebody listens (session_trace.cpp).
  void tell_sent_record(ContentType type, std::size_t content_size);
  void tell_received_record(ContentType type, std::size_t content_size);
  void tell_sent_messages() const;
  void tell_message(trace::Way way, Bytes message, trace::StreamRange range) const;
  void tell_alert(trace::Way way, Alert alert, std::string_view why) const;
  void tell_keys(Direction direction, Level level, bool is_update) const;
  void tell_connected() const;

  const Config* config_;
  std::variant<std::unique_ptr<Client>, std::unique_ptr<Server>> handshake_;
  std::optional<Protection> read_;
  std::optional<Protection> write_;
  Level read_level_ = Level::initial;
  Level write_level_ = Level::initial;
  Version first_version_;  // in the header of the first records of ours

  std::vector<u8> messages_in_;   // handshake bytes that make no whole message yet
  std::vector<u8> messages_out_;  // that wait to share a record
  std::vector<u8> output_;        // records
  u32 taken_ = 0;                 // of output_
  MutBytes plaintext_;
  std::deque<Event> events_;
  std::optional<Error> error_;

  bool first_came_ = false;
  bool closed_ = false;
  bool peer_closed_ = false;
  bool is_plaintext_early_ = false;
  u32 early_bytes_ = 0;  // sent or taken
  u32 early_bytes_skipped_ = 0;
  u32 empty_records_ = 0;
  i64 key_updates_ = 0;  // below zero: one to spare for each record that we sealed
  u32 warnings_ = 0;
  u32 changes_ = 0;  // ChangeCipherSpec records

  trace::StreamSink* sink_;
  // For it: the record at hand, and how far both ways have come.
  trace::StreamRange record_in_;
  u64 sent_ = 0;         // bytes of records
  u64 content_in_ = 0;   // bytes of application data
  u64 content_out_ = 0;  // the same
};

}  // namespace handfast::tls
