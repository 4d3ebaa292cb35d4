// The program that BoringSSL's test runner starts for each of its tests: a TLS client or server
// over a blocking socket, driven by options. See README.md.
#include <array>
#include <cstdio>
#include <span>

#include "bogo/endpoint.hpp"
#include "bogo/exchange.hpp"
#include "bogo/options.hpp"
#include "bogo/socket.hpp"

namespace handfast::bogo {
namespace {

Done connect_once(const Options& options, const Options& retry, Endpoint& endpoint,
                  bool is_resumption) {
  if (is_resumption && !options.is_server && !endpoint.ticket) return fail("no session to offer");
  auto set = settings(options, endpoint);
  if (!set) return failure(set.error());
  auto socket = Socket::connect(to<u16>(options.port), options.ipv6);
  if (!socket) return failure(socket.error());
  std::array<u8, 8> id{};
  for (u32 i = 0; i < id.size(); ++i) id[i] = to<u8>(options.shim_id >> (8 * i));
  if (!socket->write(id)) return fail("the runner is gone");
  if (options.quic)
    return Exchange<QuicSession>(options, retry, endpoint, *set, *socket, is_resumption).run();
  return Exchange<tls::Session>(options, retry, endpoint, *set, *socket, is_resumption).run();
}

Done run(std::span<char* const> arguments) {
  const auto options = parse_options(arguments);
  if (!options) return failure(options.error());
  if (options->initial.is_handshaker_supported) {
    std::puts("No");
    return {};
  }
  Endpoint endpoint;
  for (u32 i = 0; i <= options->initial.resume_count; ++i) {
    const Options& of_this = i == 0 ? options->initial : options->resume;
    if (i > 0) endpoint.pass(std::chrono::seconds(of_this.resumption_delay));
    if (const Done done = connect_once(of_this, options->retry, endpoint, i > 0); !done)
      return done;
  }
  return {};
}

}  // namespace
}  // namespace handfast::bogo

int main(int count, char** arguments) {
  using namespace handfast;
  const auto done = bogo::run({arguments + 1, to<std::size_t>(count - 1)});
  if (done) return 0;
  // What stands below the line is no message of ours, and the runner takes it for a fault.
  std::fprintf(stderr, "%s\n--- DONE ---\n", done.error().why.c_str());
  return done.error().code;
}
