// RFC 7468 §5.
#include "crypto/certificate_file.hpp"

#include <memory>
#include <tuple>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>

#include "base/assert.hpp"
#include "base/printable.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

void release_bytes(u8* bytes) { OPENSSL_free(bytes); }
void release_text(char* text) { OPENSSL_free(text); }

struct Block {
  std::string label{};
  std::vector<u8> der{};
};

enum class End : u8 { no, end_of_file, broken };

/// Reads the next block of PEM.
End next_block(BIO* bio, Block& block) {
  char* label = nullptr;
  char* header = nullptr;
  u8* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio, &label, &header, &data, &size) != 1)
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? End::end_of_file
                                                                        : End::broken;
  const Owned<char, release_text> label_owner(label);
  const Owned<char, release_text> header_owner(header);
  const Owned<u8, release_bytes> data_owner(data);
  block.label = label;
  block.der.assign(data, data + size);
  return End::no;
}

bool is_certificate(const Block& block) {
  return block.label == PEM_STRING_X509 || block.label == PEM_STRING_X509_OLD;
}

std::unexpected<CertificateError> no_good(u32 index, std::string sentence) {
  return failure(CertificateError{CertificateRule::malformed, index, std::move(sentence)});
}

/// Gives the certificates of PEM to `take(Result<Certificate, CertificateError>)`, until that says
/// false. The error is one of the file's own.
template <class Take>
Result<void, CertificateError> each_certificate(Bytes file, Take take) {
  const ErrorQueueGuard guard;
  const OwnedBio bio(BIO_new_mem_buf(file.data(), to<int>(file.size())));
  ASSERT(bio != nullptr);
  u32 found = 0;
  std::string others;
  Block block;
  for (End end = next_block(bio.get(), block); end != End::end_of_file;
       end = next_block(bio.get(), block)) {
    if (end == End::broken)
      return no_good(found, fmt::format("after {} certificates the file holds PEM that is broken: "
                                        "an end without a beginning, or letters that are no base64",
                                        found));
    if (!is_certificate(block)) {
      if (others.empty()) others = printable(block.label);
      continue;
    }
    if (found == certificates_of_file_max)
      return no_good(found, fmt::format("the file holds more than {} certificates", found));
    if (!take(Certificate::parse(block.der, found++))) return {};
  }
  if (found > 0) return {};
  if (!others.empty())
    return no_good(0, fmt::format("the file holds a {} and no certificate: give the one that has "
                                  "\"BEGIN CERTIFICATE\" in it",
                                  others));
  return no_good(0, "the file holds no certificate: \"BEGIN CERTIFICATE\" is not in it");
}

bool is_pem(Bytes file) { return as_text(file).find("-----BEGIN ") != std::string_view::npos; }

}  // namespace

Result<std::vector<Certificate>, CertificateError> parse_certificates(Bytes file) {
  std::vector<Certificate> found;
  std::optional<CertificateError> error;
  const auto take = [&](Result<Certificate, CertificateError> certificate) {
    if (certificate)
      found.push_back(std::move(*certificate));
    else
      error = std::move(certificate.error());
    return !error;
  };
  if (file.empty() || is_pem(file) || file.front() != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED)) {
    if (auto read = each_certificate(file, take); !read) return std::unexpected(read.error());
  } else {
    take(Certificate::parse(file));
  }
  if (error) return std::unexpected(std::move(*error));
  return found;
}

std::vector<Certificate> parse_readable_certificates(Bytes file) {
  std::vector<Certificate> found;
  const auto take = [&](Result<Certificate, CertificateError> certificate) {
    if (certificate) found.push_back(std::move(*certificate));
    return true;
  };
  if (!is_pem(file)) {
    take(Certificate::parse(file));
    return found;
  }
  // Where the file is broken from some point on, what came before it still counts.
  std::ignore = each_certificate(file, take);
  return found;
}

std::string to_pem(std::span<const Certificate> certificates) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  for (const Certificate& certificate : certificates)
    ASSERT(PEM_write_bio_X509(bio.get(), certificate.native()) == 1);
  return text_of(bio.get());
}

}  // namespace handfast::crypto
