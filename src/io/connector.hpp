// From a host's name to a connection, by RFC 8305: both families are looked up at the same time,
// and attempts at their addresses overlap.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/byte_stream.hpp"
#include "io/http_fetch.hpp"
#include "io/names.hpp"

namespace handfast::io {

class Connector {
 public:
  /// Both outlive this, and every coroutine of the network's executor.
  Connector(Network& network, Names& names) : network_(network), names_(names) {}

  using Connected = Result<std::unique_ptr<ByteStream>, HttpFailure>;
  /// The first connection of all attempts, which may take `limit` in all, from the first address
  /// on. A failure is of kind name, connect, timeout or cancelled. `opening` gets what it took.
  asio::awaitable<Connected> connect(std::string host, u16 port, Duration limit,
                                     HttpOpening& opening);
  /// What is under way fails, and nothing begins any more.
  void abort();

  /// Told of each attempt, in words.
  std::function<void(const std::string&)> on_note;

 private:
  struct Race;
  struct Entry;

  asio::awaitable<Connected> run(std::shared_ptr<Race> race, HttpOpening& opening);
  void begin_attempt(const std::shared_ptr<Race>& race, const wire::IpAddress& address);
  static asio::awaitable<void> look_up(std::shared_ptr<Race> race, Family family);
  static asio::awaitable<void> attempt(std::shared_ptr<Race> race, wire::Endpoint to);

  Network& network_;
  Names& names_;
  std::vector<Race*> races_;
  bool is_aborted_ = false;
};

}  // namespace handfast::io
