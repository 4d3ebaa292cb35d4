// Errors as Asio users expect them: std::error_code, comparable with std::errc.
//
// What TCP or the host refuses has tcp_category(): compare with tcp::Errc::reset for exactly ours,
// with std::errc::connection_reset for code that also runs over kernel sockets. An operation that
// was cancelled has asio::error::operation_aborted, the end of a stream asio::error::eof, and an
// operation that took longer than expires_after() allowed asio::error::timed_out.
#pragma once

#include <system_error>

#include "tcp/error.hpp"

namespace handfast::io {

/// The category of tcp::Errc.
const std::error_category& tcp_category() noexcept;

}  // namespace handfast::io

namespace handfast::tcp {

/// Found by argument-dependent lookup, so that `std::error_code e = tcp::Errc::reset;` works.
inline std::error_code make_error_code(Errc code) {
  return {static_cast<int>(code), io::tcp_category()};
}

}  // namespace handfast::tcp

template <>
struct std::is_error_code_enum<handfast::tcp::Errc> : std::true_type {};
