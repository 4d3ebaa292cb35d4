// RFC 8305.
#include "io/connector.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <fmt/format.h>

#include "host/happy_eyeballs.hpp"

namespace handfast::io {

/// What the coroutines of one connect() share. Those that lose end by themselves, later.
struct Connector::Race {
  Race(Network& over, Names& by, std::string to, u16 at, Duration longest)
      : network(over), names(by), host(std::move(to)), port(at), limit(longest) {}

  Network& network;
  Names& names;
  std::string host;
  u16 port;
  Duration limit;
  std::unique_ptr<NetworkTimer> changed = network.timer();
  Instant begin = network.now();
  host::HappyEyeballs eyeballs{};
  std::array<std::optional<Names::Found>, 2> found{};  // IPv6, IPv4
  std::optional<Instant> first_attempt{};
  std::vector<ByteStream*> under_way{};
  std::unique_ptr<ByteStream> winner{};
  std::optional<HttpFailure> failed{};  // of the last attempt that failed
  bool is_over = false;

  void end() {
    is_over = true;
    for (ByteStream* stream : under_way) stream->abort();
    changed->cancel();
  }
};

namespace {

HttpFailure connect_failure(const wire::Endpoint& to, std::error_code error, Duration limit) {
  HttpFailure failed{HttpFailure::Kind::connect, error};
  failed.where = wire::to_string(to);
  if (error == std::errc::timed_out) {
    failed.kind = HttpFailure::Kind::timeout;
    failed.why =
        fmt::format("no answer within {:g} s", std::chrono::duration<double>(limit).count());
    failed.advice = "is the host up, and is there a route to it?";
  } else if (error == std::errc::connection_refused) {
    failed.why = "connection refused";
    failed.advice = "no server listens on that port";
  } else {
    failed.why = "cannot connect to";
    failed.advice = error.message();
  }
  return failed;
}

/// Neither family has an address.
HttpFailure name_failure(const std::string& host, const Names::Found& v6, const Names::Found& v4) {
  using Kind = Names::Found::Kind;
  HttpFailure failed{HttpFailure::Kind::name};
  failed.where = host;
  for (const Names::Found* one : {&v6, &v4})
    if (one->kind == Kind::failed) {
      failed.why = "the host's address cannot be found";
      failed.advice = one->why + (one->advice.empty() ? "" : ": " + one->advice);
      return failed;
    }
  if (v6.kind == Kind::no_such_name || v4.kind == Kind::no_such_name) {
    failed.why = "unknown host";
    failed.advice = "no such name (NXDOMAIN)";
  } else {
    failed.why = "the host has no address";
    failed.advice = "its name exists, with neither A nor AAAA records (NODATA)";
  }
  return failed;
}

}  // namespace

/// connect() ends with it, however it ends.
struct Connector::Entry {
  Entry(Connector& of, Race& what) : it(of), race(what) { it.races_.push_back(&race); }
  ~Entry() {
    race.end();
    std::erase(it.races_, &race);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  Connector& it;
  Race& race;
};

void Connector::abort() {
  is_aborted_ = true;
  for (Race* race : races_) race->end();
}

asio::awaitable<Connector::Connected> Connector::connect(std::string host, u16 port, Duration limit,
                                                         HttpOpening& opening) {
  if (is_aborted_) co_return failure(cancelled());
  const auto race = std::make_shared<Race>(network_, names_, std::move(host), port, limit);
  const Entry entry(*this, *race);
  asio::co_spawn(network_.executor(), look_up(race, Family::v6), asio::detached);
  asio::co_spawn(network_.executor(), look_up(race, Family::v4), asio::detached);
  Connected connected = co_await run(race, opening);
  co_return connected;
}

asio::awaitable<Connector::Connected> Connector::run(std::shared_ptr<Race> race,
                                                     HttpOpening& opening) {
  while (!race->winner && !race->eyeballs.is_exhausted()) {
    if (is_aborted_) co_return failure(cancelled());
    while (const auto address = race->eyeballs.poll_attempt(network_.now()))
      begin_attempt(race, *address);
    race->changed->expires_at(race->eyeballs.deadline());
    const std::error_code ignored = co_await race->changed->wait();
    static_cast<void>(ignored);
  }
  if (is_aborted_) co_return failure(cancelled());
  const Instant named = race->first_attempt.value_or(network_.now());
  opening.name = named - race->begin;
  for (const auto& found : race->found)
    if (found) opening.name_trips = std::max(opening.name_trips, found->trips);
  opening.attempts = race->eyeballs.attempts();
  if (race->winner) {
    opening.tcp = network_.now() - named;
    opening.tcp_trips = 1;
    co_return std::move(race->winner);
  }
  if (race->failed) co_return failure(std::move(*race->failed));
  co_return failure(name_failure(race->host, *race->found[0], *race->found[1]));
}

void Connector::begin_attempt(const std::shared_ptr<Race>& race, const wire::IpAddress& address) {
  const wire::Endpoint to{address, race->port};
  if (!race->first_attempt) race->first_attempt = network_.now();
  if (on_note)
    on_note(fmt::format("connecting to {} over {}", wire::to_string(to), network_.name()));
  asio::co_spawn(network_.executor(), attempt(race, to), asio::detached);
}

asio::awaitable<void> Connector::look_up(std::shared_ptr<Race> race, Family family) {
  Names::Found found = co_await race->names.look_up(race->host, family);
  race->eyeballs.on_addresses(family, found.addresses, race->network.now());
  race->found[to<u8>(family)] = std::move(found);
  race->changed->cancel();
}

asio::awaitable<void> Connector::attempt(std::shared_ptr<Race> race, wire::Endpoint to) {
  std::unique_ptr<ByteStream> stream = race->network.stream();
  const Instant now = race->network.now();
  const Instant end = after(*race->first_attempt, race->limit);
  stream->expires_after(std::max(end - now, Duration{1}));
  race->under_way.push_back(stream.get());
  const std::error_code error = co_await stream->connect(to);
  std::erase(race->under_way, stream.get());
  if (race->is_over || race->winner) {
    stream->abort();
    co_return;
  }
  if (error) {
    race->failed = connect_failure(to, error, race->limit);
    race->eyeballs.on_failure(race->network.now());
  } else {
    stream->expires_never();
    race->winner = std::move(stream);
  }
  race->changed->cancel();
}

}  // namespace handfast::io
