// Two streams whose bytes go from one to the other, both ways.
#pragma once

#include <asio/awaitable.hpp>

#include "base/types.hpp"
#include "io/any_stream.hpp"

namespace handfast::io {

/// Until both have ended, or one has failed, which cancels what waits on the other. What came of
/// each already goes first. Each way holds one buffer of 16 KiB.
asio::awaitable<void> relay(AnyStream& a, Bytes from_a, AnyStream& b, Bytes from_b);

}  // namespace handfast::io
