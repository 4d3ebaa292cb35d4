// What both libraries get: a root, a CA and a server by P-256, as on most of the web.
#pragma once

#include <vector>

#include "crypto/certificate_builder.hpp"

namespace handfast::bench {

inline constexpr const char* server_name = "www.example.org";

struct Lab {
  struct Made {
    crypto::PrivateKey key;
    crypto::Certificate certificate;
  };
  Made root = make(crypto::CertificateRole::ca, "Root", nullptr);
  Made ca = make(crypto::CertificateRole::ca, "CA", &root);
  Made server = make(crypto::CertificateRole::server, server_name, &ca);
  WallTime now;

  Lab();
  std::vector<std::vector<u8>> chain() const {
    return {server.certificate.der(), ca.certificate.der()};
  }

 private:
  Made make(crypto::CertificateRole role, const char* name, const Made* issuer);
};

}  // namespace handfast::bench
