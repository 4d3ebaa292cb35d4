// What --so_flags may say, and what the network namespace's sysctls say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/config.hpp"
#include "io/posix/socket_options.hpp"
#include "tcp/personality.hpp"

namespace handfast::packetdrill {

/// Comma-separated `name=value` pairs:
///   local=ADDRESS/PREFIX    an address of the stack; may come more than once
///   mtu=BYTES               of the interface; 1500 unless said
///   personality=NAME        linux (default), freebsd or rfc
///   seed=NUMBER             for every draw; 1 unless said
struct Options {
  std::vector<host::InterfaceAddress> addresses{};
  u32 mtu = 1500;
  tcp::Personality personality = tcp::Personality::linux;
  u64 seed = 1;
};

/// What is left out has its default. Ends the process with a sentence where `flags` are wrong:
/// the interface has no way to refuse.
Options parse_options(const char* flags);

/// The configuration of the stack, after the options and the sysctls of the namespace as they are
/// now: scripts set those before they open a socket. The sysctls' numbers are Linux's: another
/// personality keeps its own, and heeds only what is switched off.
host::Config make_config(const Options& options);
/// The defaults of a new socket, by the same sysctls.
io::posix::SocketOptions socket_defaults(const Options& options);

}  // namespace handfast::packetdrill
