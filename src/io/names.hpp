// How the addresses of hosts are found.
#pragma once

#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "base/types.hpp"
#include "host/happy_eyeballs.hpp"
#include "wire/address.hpp"

namespace handfast::io {

using Family = host::HappyEyeballs::Family;

class Names {
 public:
  struct Found {
    enum class Kind : u8 {
      addresses,
      no_data,  // the host is there, without an address of this family
      no_such_name,
      failed,  // nobody could say
    };
    Kind kind = Kind::failed;
    std::vector<wire::IpAddress> addresses{};  // in the order in which they should be tried
    std::string why{};                         // without addresses: who said so, or what went wrong
    std::string advice{};                      // and what to do
    u32 trips = 0;                             // questions sent, one after the other
  };
  virtual ~Names() = default;
  /// The addresses of one family that `host`, a name or an address, has.
  virtual asio::awaitable<Found> look_up(std::string host, Family family) = 0;
};

}  // namespace handfast::io
