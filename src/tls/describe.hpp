// A handshake message in a few words, for people who watch.
#pragma once

#include <string>

#include "base/types.hpp"
#include "tls/codes.hpp"
#include "tls/event.hpp"

namespace handfast::tls {

/// "ClientHello".
std::string describe_name(Bytes message);
/// What is in a whole message, in short: "TLS1.3 SNI=example.org ALPN=http/1.1 x25519". Empty where
/// there is nothing to say, or it cannot be read. `summary` is what was agreed on so far.
std::string describe_fields(Bytes message, const Summary& summary);
/// "handshake", "application_data".
std::string_view to_string(ContentType type);

}  // namespace handfast::tls
