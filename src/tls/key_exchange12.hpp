// RFC 5246 §8.1, RFC 8422 §5.10, RFC 7919: what TLS 1.2 makes its master secret from.
#pragma once

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/key_exchange.hpp"
#include "tls/alert.hpp"
#include "tls/codes.hpp"
#include "tls/reader.hpp"

namespace handfast::tls {

/// Whether `suite` exchanges keys over `group`: ECDHE over curves (RFC 8422 §5.1.1), DHE in fields.
bool fits(crypto::Group group, const Suite& suite);
/// RFC 7919 §4: code points 256 to 511 are finite fields, whether we know them or not.
bool lists_finite_fields(const CodeList<crypto::Group>& groups);

/// The pre-master secret of ECDHE and DHE. Numbers may come without the zeros that lead them, and
/// the secret of DHE goes into the master secret so (§8.1.2). As `ours` serves one handshake alone,
/// how long that takes tells nobody anything.
Result<crypto::SharedSecret, Error> agree12(const crypto::KeyExchange& ours, Bytes peer_share);

/// Why the server's group, which is none of ours, is not taken.
Error unsafe_group(Bytes prime);

}  // namespace handfast::tls
