// Errors as Asio users expect them: std::error_code, comparable with std::errc.
//
// What TCP or the host refuses has tcp_category(): compare with tcp::Errc::reset or, alike, with
// std::errc::connection_reset. What was cancelled has asio::error::operation_aborted, the end of a
// stream asio::error::eof, and what took longer than expires_after() allowed std::errc::timed_out.
// Code that runs over kernel sockets too asks is().
#pragma once

#include <system_error>

#include "tcp/error.hpp"

namespace handfast::io {

/// The category of tcp::Errc.
const std::error_category& tcp_category() noexcept;

/// Whether `error` means `condition`, be it ours or of Asio's own category, which in Asio 1.22 does
/// not compare equal to any std::errc.
bool is(const std::error_code& error, std::errc condition);

}  // namespace handfast::io

namespace handfast::tcp {

/// Found by argument-dependent lookup, so that `std::error_code e = tcp::Errc::reset;` works.
inline std::error_code make_error_code(Errc code) {
  return {static_cast<int>(code), io::tcp_category()};
}

}  // namespace handfast::tcp

template <>
struct std::is_error_code_enum<handfast::tcp::Errc> : std::true_type {};
