// One connection with the runner: the handshake, and what the options want said after it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bogo/endpoint.hpp"
#include "bogo/failure.hpp"
#include "bogo/options.hpp"
#include "bogo/quic_session.hpp"
#include "bogo/socket.hpp"
#include "tls/session.hpp"

namespace handfast::bogo {

/// `Session` is tls::Session or QuicSession.
template <class Session>
class Exchange {
 public:
  /// All are to outlive it. `retry` is in force where the runner takes no early data.
  Exchange(const Options& options, const Options& retry, Endpoint& endpoint, Settings& settings,
           Socket& socket, bool is_resumption);

  /// From the first byte to the last.
  Done run();

 private:
  enum class Progress : u8 { moved, ended };

  Done send_early();
  Done shake_hands();
  Done speak_first();
  Done echo();
  Done answer(MutBytes text);
  Done shut_down();

  // What must have come of it (expectations.cpp).
  Done check_handshake() const;
  Done check_resumption() const;
  Done check_early_data() const;
  Done check_peer() const;
  Done check_new_ticket() const;

  /// Moves the session by one step: what it asks for, what it has to say, what came.
  Result<Progress, Failure> step();
  Done answer_questions();
  Done take_events();
  bool may_go_on() const;
  void note_secret(std::string_view line);
  bool flush();
  /// Feeds what is there; true where the session made something of it.
  Result<bool, Failure> feed();
  Done write(Bytes text);
  Done write_exports();
  Done fail_with(const tls::Error& error);

  const Options* options_;
  const Options& retry_;
  bool is_rejection_expected_ = true;
  Endpoint& endpoint_;
  Settings& settings_;
  Socket& socket_;
  bool is_resumption_;
  std::string_view to_say_;  // before anything is read
  Session session_;

  std::vector<u8> incoming_;
  std::size_t shown_ = 0;  // of incoming_: byte by byte where the options say async
  std::vector<u8> held_;   // written by the session, and not yet to the socket
  bool is_stuck_ = false;  // as if the socket took no more
  std::vector<u8> text_;   // that came, and waits to be answered
  bool needs_verdict_ = false;
  std::optional<tls::NeedSignature> needs_signature_;
  bool was_asked_ = false;  // a step ago: time for the answer
  bool was_judged_ = false;
  bool is_done_ = false;
  bool got_ticket_ = false;
  bool takes_ticket_early_data_ = false;
  std::map<std::string, std::vector<u8>, std::less<>> secrets_;  // by their names in a key log
};

}  // namespace handfast::bogo
