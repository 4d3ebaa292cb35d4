// One end of a connection by either library, in memory: bytes in, bytes out.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "crypto/chain_verifier.hpp"
#include "lab.hpp"
#include "tls/session.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct evp_cipher_ctx_st;

namespace handfast::bench {

/// Ours. One that makes ends of a kind, with what they share.
class OurEnds {
 public:
  OurEnds(const Lab& lab, tls::Role role);

  class End {
   public:
    explicit End(OurEnds& all) : all_(all), session_(all.begin()) {}
    /// Takes all of `in`, and adds to `out` what there is to say.
    void step(std::vector<u8>& in, std::vector<u8>& out);
    bool is_done() const { return session_.is_connected(); }
    bool is_resumed() const { return session_.summary().is_resumed; }
    tls::Session& session() { return session_; }

   private:
    OurEnds& all_;
    tls::Session session_;
  };
  End make() { return End(*this); }

  /// Of clients: the last one that came, for the next end.
  std::optional<tls::Ticket> ticket;

 private:
  tls::Session begin();
  void answer(tls::Session& session);

  crypto::SystemRandom random_;
  crypto::CertificateCache certificates_;
  tls::TicketKeys ticket_keys_;
  tls::Config config_;
  tls::Role role_;
  crypto::ChainVerifier verifier_;
  crypto::VerifyRequest request_;
};

/// libssl's.
class LibsslEnds {
 public:
  LibsslEnds(const Lab& lab, tls::Role role);

  class End {
   public:
    explicit End(LibsslEnds& all);
    void step(std::vector<u8>& in, std::vector<u8>& out);
    bool is_done() const;

   private:
    struct Free {
      void operator()(ssl_st* it) const;
    };
    std::unique_ptr<ssl_st, Free> ssl_;
    std::vector<u8> room_;
  };
  End make() { return End(*this); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* it) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  tls::Role role_;
};

/// So many pieces of 16 KiB are sealed one after the other, and then opened.
inline constexpr u32 pieces = 16;

/// libcrypto alone, as `openssl speed -evp aes-128-gcm` does it: no nonce, no tag, one call for a
/// piece, which is changed where it lies.
class EvpBulk {
 public:
  explicit EvpBulk(bool seals);
  /// Seals, or opens, as many pieces as there are.
  void run();

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* it) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  std::vector<std::vector<u8>> buffers_;
};

}  // namespace handfast::bench
