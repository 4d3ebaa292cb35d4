// A stub resolver over any network: /etc/hosts, then the name servers of resolv.conf(5) or those
// that it is given.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/siphash.hpp"
#include "host/dns_cache.hpp"
#include "host/dns_query.hpp"
#include "io/byte_stream.hpp"
#include "io/names.hpp"

namespace handfast::io {

/// What resolv.conf(5) says: `nameserver`, `search` or `domain`, and of `options` ndots, timeout
/// and attempts. Lines that are not understood are skipped, as the C library does.
struct ResolvConf {
  static constexpr u32 servers_max = 3;
  static constexpr u32 search_max = 6;

  host::DnsConfig dns{};
  std::vector<std::string> search{};
  u32 dots_min = 1;  // names with so many are asked for as they are first
};
ResolvConf parse_resolv_conf(std::string_view text);
ResolvConf load_resolv_conf(const std::string& path = "/etc/resolv.conf");

class Resolver final : public Names {
 public:
  struct Options {
    ResolvConf conf{};
    std::string hosts_file = "/etc/hosts";
  };
  /// `network` outlives this, and this every look_up(). `key` is a secret: it makes identifiers
  /// and ports (RFC 5452 §9.2).
  Resolver(Network& network, Options options, const SipKey& key);

  asio::awaitable<Found> look_up(std::string host, Family family) override;

  /// Told of each question, in words.
  std::function<void(const std::string&)> on_note;

 private:
  struct Exchange;

  std::optional<Found> look_up_locally(const std::string& host, Family family) const;
  std::vector<wire::DnsName> candidates(const std::string& host) const;
  asio::awaitable<host::DnsAnswer> resolve(wire::DnsName name, wire::DnsType type);
  asio::awaitable<void> ask(host::DnsQuery& query, const host::DnsQuery::Send& send,
                            Exchange& exchange);
  asio::awaitable<void> ask_by_stream(host::DnsQuery& query, host::DnsQuery::Send send);
  std::unique_ptr<Datagrams> open(const wire::Endpoint& server);
  u64 draw();

  Network& network_;
  Options options_;
  SipKey key_;
  u64 drawn_ = 0;
  host::DnsCache cache_;
};

}  // namespace handfast::io
