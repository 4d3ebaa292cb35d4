// The socket options whose value is a number, by level and name.
#pragma once

#include <optional>

#include "io/posix/socket_options.hpp"

namespace handfast::io::posix {

/// None where there is no such option.
std::optional<int> get_option(const SocketOptions& options, int level, int name);
/// 0, or a negative errno: -ENOPROTOOPT where there is no such option, -EINVAL for a bad value.
int set_option(SocketOptions& options, int level, int name, int value);

}  // namespace handfast::io::posix
