// Why the shim gives up, and what it tells the runner.
#pragma once

#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/types.hpp"
#include "tls/alert.hpp"

namespace handfast::bogo {

struct Failure {
  /// Exit codes: a test that went wrong, and one that asks for what is not there.
  static constexpr u8 failed = 1;
  static constexpr u8 unimplemented = 89;

  u8 code = failed;
  std::string why;
};

using Done = Result<void, Failure>;

inline std::unexpected<Failure> fail(std::string why) {
  return failure(Failure{Failure::failed, std::move(why)});
}
inline std::unexpected<Failure> unimplemented(std::string what) {
  return failure(Failure{Failure::unimplemented, std::move(what)});
}

/// "local illegal_parameter: the server …" or "remote handshake_failure: …": what config.json maps
/// the runner's own names of errors to.
inline std::string describe(const tls::Error& error) {
  return (error.from_peer ? "remote " : "local ") + to_string(error.alert) + ": " + error.why;
}

}  // namespace handfast::bogo
