// RFC 7413, TCP Fast Open: the cookies. A server makes them of addresses and a key and remembers
// nothing; a client keeps one for each server, with the MSS that it named.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

/// 128 bits of secret, in the byte order of Linux's TCP_FASTOPEN_KEY.
using FastOpenKey = std::array<u8, 16>;

struct FastOpenCookie {
  std::array<u8, 16> bytes{};
  u8 size = 0;  // 0, or 4 to 16 and even
  bool experimental = false;

  /// Into the option, as a cookie, or as the wish for one where it is empty.
  void put_into(wire::TcpOptions& options) const;
  static std::optional<FastOpenCookie> of(const wire::TcpOptions& options);
};

/// The server's side: §4.1.2. Cookies are those of Linux, so that servers behind one address may
/// share a key with it.
class FastOpenKeys {
 public:
  explicit FastOpenKeys(const FastOpenKey& primary,
                        const std::optional<FastOpenKey>& backup = std::nullopt)
      : primary_(primary), backup_(backup) {}

  enum class Match : u8 {
    none,
    primary,
    backup,  // made by the key before: good, and to be replaced
  };
  Match check(const wire::Flow& flow, const FastOpenCookie& cookie) const;
  FastOpenCookie make(const wire::Flow& flow, bool experimental) const;

 private:
  FastOpenKey primary_;
  std::optional<FastOpenKey> backup_;
};

/// The client's side: §4.1.3. A keyed table of fixed size, made when it is first needed.
class FastOpenPeers {
 public:
  explicit FastOpenPeers(const SipKey& key) : key_(key) {}

  struct Peer {
    FastOpenCookie cookie{};
    u16 mss = 0;          // 0: not known
    bool paused = false;  // lately, SYNs like that did not arrive
  };
  Peer find(const wire::IpAddress& server, Instant now) const;
  /// A SYN,ACK came. `cookie`: in it; `asked`: our SYN had asked for one and carried no data.
  void learn(const wire::IpAddress& server, u16 mss, const std::optional<FastOpenCookie>& cookie,
             bool asked, bool asked_experimental);
  /// The SYN with the option, or with data, seems to be swallowed on its way (§4.1.3.1).
  void pause(const wire::IpAddress& server, Instant until);
  void forget_all() { entries_.clear(); }

 private:
  static constexpr u32 entry_count = 1024;

  struct Entry {
    wire::IpAddress server{};
    FastOpenCookie cookie{};
    u16 mss = 0;
    u8 unanswered = 0;  // 1: asked by kind 34 in vain, try 254; 2: that too
    Instant paused_until{};
  };
  u32 place_of(const wire::IpAddress& server) const {
    return to<u32>(siphash(key_, server.octets)) % entry_count;
  }
  Entry& entry_of(const wire::IpAddress& server);

  SipKey key_;
  std::vector<Entry> entries_;
};

}  // namespace handfast::tcp
