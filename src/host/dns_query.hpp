// RFC 1034 §5.3.1 and RFC 1123 §6.1.3: what a stub resolver asks recursive servers about one name
// and one type, until it knows. Sans I/O; against forged answers as RFC 5452 says.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/dns.hpp"

namespace handfast::host {

struct DnsConfig {
  /// Asked in this order, each once before the first is asked again.
  std::vector<wire::Endpoint> servers{};
  Duration attempt_timeout = 2s;  // doubled each time round
  u32 rounds_max = 3;
  u32 aliases_max = 8;  // CNAMEs on the way
  u32 addresses_max = 32;
  u16 udp_size = 1232;  // RFC 6891 §6.2.5; what fragments nowhere
  Duration ttl_max = std::chrono::hours(24);
  Duration negative_ttl_max = std::chrono::minutes(15);  // RFC 2308 §5
};

struct DnsAnswer {
  enum class Kind : u8 {
    addresses,
    no_data,       // the name is there, and has no address of this type (RFC 2308 §2.2)
    no_such_name,  // NXDOMAIN (RFC 2308 §2.1)
    failed,        // nobody knows: `why`
  };
  Kind kind = Kind::failed;
  std::vector<wire::IpAddress> addresses{};
  Duration ttl{};     // how long this may be remembered
  std::string why{};  // "no answer from 192.0.2.53:53"
  u32 trips = 0;      // questions sent, one after the other
};

class DnsQuery {
 public:
  /// `key` makes the identifiers, so it must be a secret (RFC 5452 §9.2). Whoever sends a question
  /// by UDP does so from a port of its own that nobody can guess.
  DnsQuery(const DnsConfig& config, const wire::DnsName& name, wire::DnsType type,
           const SipKey& key, Instant now);

  struct Send {
    wire::Endpoint server;
    bool by_stream = false;  // over TCP, behind its length (RFC 7766 §8)
    Bytes message;           // until the next call
  };
  std::optional<Send> poll_transmit();

  /// A message came from `server`, in a datagram or whole from a stream.
  void on_message(Bytes message, const wire::Endpoint& server, bool by_stream, Instant now);
  /// The server cannot be reached, or its stream ended: `why` in words.
  void on_unreachable(const wire::Endpoint& server, std::string_view why, Instant now);
  void on_deadline(Instant now);
  Instant deadline() const { return answer_ ? never : deadline_; }

  const std::optional<DnsAnswer>& answer() const { return answer_; }

 private:
  struct Chain;

  void ask(Instant now);
  void ask_next(std::string why, Instant now);
  void fail(std::string why);
  u16 id() const;
  std::string server_text() const;
  bool is_ours(const wire::DnsHeader& header, wire::DnsReader& reader) const;
  Result<void, std::string_view> take_answer(const wire::DnsHeader& header, Bytes message,
                                             Instant now);
  Result<Chain, std::string_view> read_chain(Bytes message);
  void conclude(const wire::DnsHeader& header, Chain chain, Instant now);

  DnsConfig config_;
  wire::DnsName name_;  // that is asked for now: an alias may have led here
  wire::DnsType type_;
  SipKey key_;
  u32 server_ = 0;
  u32 round_ = 0;
  u32 aliases_ = 0;
  u32 trips_ = 0;
  Duration ttl_;
  bool by_stream_ = false;
  bool has_edns_ = true;
  bool is_due_ = false;  // poll_transmit() has something
  Instant deadline_ = never;
  std::array<u8, wire::dns_query_size_max> room_{};
  std::optional<DnsAnswer> answer_;
};

}  // namespace handfast::host
