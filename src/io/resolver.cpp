#include "io/resolver.hpp"

#include <algorithm>
#include <array>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <fmt/format.h>

#include "base/byte_order.hpp"
#include "http/grammar.hpp"
#include "io/hosts.hpp"

namespace handfast::io {
namespace {

using Kind = Names::Found::Kind;

constexpr u16 port_min = 1024;
constexpr u32 port_tries = 16;

bool is_of(Family family, const wire::IpAddress& address) {
  return address.is_v4() == (family == Family::v4);
}

Names::Found found_of(const std::vector<wire::IpAddress>& all, Family family) {
  Names::Found found;
  for (const wire::IpAddress& address : all)
    if (is_of(family, address)) found.addresses.push_back(address);
  found.kind = found.addresses.empty() ? Kind::no_data : Kind::addresses;
  return found;
}

/// RFC 6761 §6.3 and §6.4: "localhost" and "invalid", and all under them, no name server is asked
/// for.
bool is_under(std::string_view host, std::string_view name) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() < name.size()) return false;
  const std::string_view end = host.substr(host.size() - name.size());
  return http::equals_ignoring_case(end, name) &&
         (host.size() == name.size() || host[host.size() - name.size() - 1] == '.');
}

Names::Found found_of(const host::DnsAnswer& answer) {
  Names::Found found;
  found.addresses = answer.addresses;
  found.why = answer.why;
  found.trips = answer.trips;
  switch (answer.kind) {
    case host::DnsAnswer::Kind::addresses: found.kind = Kind::addresses; break;
    case host::DnsAnswer::Kind::no_data: found.kind = Kind::no_data; break;
    case host::DnsAnswer::Kind::no_such_name: found.kind = Kind::no_such_name; break;
    case host::DnsAnswer::Kind::failed: found.kind = Kind::failed; break;
  }
  return found;
}

}  // namespace

/// The socket of a question and the timer that ends its waiting; both live until the timer's
/// coroutine has ended.
struct Resolver::Exchange {
  wire::Endpoint server{};
  std::unique_ptr<Datagrams> socket{};
  std::unique_ptr<NetworkTimer> timer{};
  bool is_over = false;

  static asio::awaitable<void> watch(std::shared_ptr<Exchange> it) {
    while (!it->is_over) {
      const std::error_code error = co_await it->timer->wait();
      if (error) continue;  // another time was set
      it->timer->expires_at(never);
      if (it->socket) it->socket->cancel();
    }
  }
};

Resolver::Resolver(Network& network, Options options, const SipKey& key)
    : network_(network), options_(std::move(options)), key_(key) {}

u64 Resolver::draw() {
  std::array<u8, 8> count;
  store_be(count.data(), ++drawn_);
  return siphash(key_, count);
}

std::optional<Names::Found> Resolver::look_up_locally(const std::string& host,
                                                      Family family) const {
  if (const auto address = wire::IpAddress::parse(host)) return found_of({*address}, family);
  const auto listed = io::look_up(host, options_.hosts_file);
  if (!listed.empty()) return found_of(listed, family);
  if (is_under(host, "invalid")) return Found{Kind::no_such_name};
  if (is_under(host, "localhost"))
    return found_of({wire::loopback_v6, wire::IpAddress::v4(127, 0, 0, 1)}, family);
  return std::nullopt;
}

/// resolv.conf(5), search and ndots: what is asked for, in this order.
std::vector<wire::DnsName> Resolver::candidates(const std::string& host) const {
  std::vector<wire::DnsName> names;
  const auto add = [&](const std::string& text) {
    if (const auto name = wire::DnsName::parse(text)) names.push_back(*name);
  };
  const bool is_absolute = host.ends_with('.');
  const bool is_first = std::ranges::count(host, '.') >= i64{options_.conf.dots_min};
  if (is_absolute || is_first) add(host);
  if (is_absolute) return names;
  for (const std::string& domain : options_.conf.search) add(fmt::format("{}.{}", host, domain));
  if (!is_first) add(host);
  return names;
}

asio::awaitable<Names::Found> Resolver::look_up(std::string host, Family family) {
  if (auto known = look_up_locally(host, family)) co_return std::move(*known);
  const auto type = family == Family::v4 ? wire::DnsType::a : wire::DnsType::aaaa;
  Found best;
  best.why = "that cannot be a host's name";
  best.advice = "a name has letters, digits, - and . only";
  u32 trips = 0;
  bool is_first = true;
  const std::vector<wire::DnsName> names = candidates(host);
  for (const wire::DnsName& name : names) {
    const host::DnsAnswer answer = co_await resolve(name, type);
    Found found = found_of(answer);
    trips += found.trips;
    // A name that is there is better than one that is not; a failure says nothing of either.
    const bool is_better = is_first || found.kind == Kind::addresses ||
                           (found.kind == Kind::no_data && best.kind == Kind::no_such_name) ||
                           (found.kind == Kind::failed && best.kind == Kind::no_such_name);
    if (is_better) best = std::move(found);
    is_first = false;
    if (best.kind == Kind::addresses || best.kind == Kind::failed) break;
  }
  best.trips = trips;
  if (best.kind == Kind::failed && best.advice.empty())
    best.advice = options_.conf.dns.servers.empty()
                      ? "name one by --dns, give an address, or name the host in /etc/hosts"
                      : "is the name server right? --dns names another";
  co_return best;
}

asio::awaitable<host::DnsAnswer> Resolver::resolve(wire::DnsName name, wire::DnsType type) {
  if (const host::DnsAnswer* known = cache_.find(name, type, network_.now())) co_return *known;
  const u64 first = draw();
  const SipKey key{first, draw()};
  host::DnsQuery query(options_.conf.dns, name, type, key, network_.now());
  const auto exchange = std::make_shared<Exchange>();
  exchange->timer = network_.timer();
  asio::co_spawn(network_.executor(), Exchange::watch(exchange), asio::detached);

  std::vector<u8> room(65535);
  while (!query.answer()) {
    query.on_deadline(network_.now());
    if (const auto send = query.poll_transmit()) {
      if (on_note)
        on_note(fmt::format("asking {} for {} of {}{}", wire::to_string(send->server),
                            type == wire::DnsType::a ? "A" : "AAAA", name.text(),
                            send->by_stream ? " by TCP" : ""));
      if (send->by_stream)
        co_await ask_by_stream(query, *send);
      else
        co_await ask(query, *send, *exchange);
      continue;
    }
    if (query.answer() || !exchange->socket) continue;
    exchange->timer->expires_at(query.deadline());
    const Moved got = co_await exchange->socket->receive(room);
    const Instant now = network_.now();
    if (!got.error)
      query.on_message(Bytes(room).first(got.bytes), exchange->server, false, now);
    else if (got.error != asio::error::operation_aborted)
      query.on_unreachable(exchange->server, got.error.message(), now);
  }
  exchange->is_over = true;
  exchange->timer->cancel();
  cache_.put(name, type, *query.answer(), network_.now());
  co_return *query.answer();
}

asio::awaitable<void> Resolver::ask(host::DnsQuery& query, const host::DnsQuery::Send& send,
                                    Exchange& exchange) {
  if (!exchange.socket || exchange.server != send.server) {
    exchange.server = send.server;
    exchange.socket = open(send.server);
  }
  std::error_code error = std::make_error_code(std::errc::network_unreachable);
  if (exchange.socket) error = co_await exchange.socket->send(send.message);
  if (error) query.on_unreachable(exchange.server, error.message(), network_.now());
}

/// From a port that nobody can guess.
std::unique_ptr<Datagrams> Resolver::open(const wire::Endpoint& server) {
  for (u32 i = 0; i < port_tries; ++i) {
    const u16 port = to<u16>(port_min + draw() % (65536 - port_min));
    if (auto socket = network_.datagrams(server, port)) return socket;
  }
  return network_.datagrams(server, 0);
}

/// RFC 7766: the same question behind its length.
asio::awaitable<void> Resolver::ask_by_stream(host::DnsQuery& query, host::DnsQuery::Send send) {
  std::vector<u8> message(2 + send.message.size());
  store_be16(message.data(), to<u16>(send.message.size()));
  std::ranges::copy(send.message, message.begin() + 2);
  const std::unique_ptr<ByteStream> stream = network_.stream();
  stream->expires_after(std::max(query.deadline() - network_.now(), Duration{1}));
  std::error_code error = co_await stream->connect(send.server);
  if (!error) error = co_await stream->write(message);
  message.resize(2);
  for (std::size_t have = 0; !error && have < message.size();) {
    const MutBytes room = MutBytes(message).subspan(have);
    const Moved got = co_await stream->read_some(room);
    error = got.error;
    have += got.bytes;
    if (have == 2 && message.size() == 2) message.resize(2u + load_be16(message.data()));
  }
  stream->close();
  const Instant now = network_.now();
  if (!error) query.on_message(Bytes(message).subspan(2), send.server, true, now);
  if (error == std::errc::timed_out)
    query.on_deadline(std::max(now, query.deadline()));
  else if (error)
    query.on_unreachable(send.server, error.message(), now);
}

}  // namespace handfast::io
