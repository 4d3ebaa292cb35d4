// What peers offer that nobody should take any more, by name.
#pragma once

#include <string>

#include "tls/codes.hpp"
#include "tls/reader.hpp"

namespace handfast::tls {

/// Which of the reasons for which a suite is never taken are among those offered: "RC4, MD5". Empty
/// where there is none.
std::string never_taken(const CodeList<CipherSuite>& offered);

}  // namespace handfast::tls
