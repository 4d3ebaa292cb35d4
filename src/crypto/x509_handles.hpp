// Owners of libcrypto's X.509 objects, for the sources of this room only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::crypto {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};

inline void release_borrowed(STACK_OF(X509) * stack) { sk_X509_free(stack); }

template <class T, auto release>
using Owned = std::unique_ptr<T, Releaser<release>>;

using OwnedX509 = Owned<X509, X509_free>;
using OwnedBio = Owned<BIO, BIO_free>;
using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
/// The stack is ours, the certificates on it are not.
using BorrowingStack = Owned<STACK_OF(X509), release_borrowed>;

/// libcrypto keeps the reasons of failures in a queue of the thread; what we have told in words of
/// our own must not be found there by somebody else.
struct ErrorQueueGuard {
  ErrorQueueGuard() { ERR_set_mark(); }
  ~ErrorQueueGuard() { ERR_pop_to_mark(); }
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
};

inline Bytes bytes_of(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), to<std::size_t>(ASN1_STRING_length(string))};
}

/// None where it is no time. certificate.cpp.
std::optional<WallTime> time_of(const ASN1_TIME* time);

/// What was written to a memory BIO.
inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, to<std::size_t>(size)) : std::string{};
}

}  // namespace handfast::crypto
