// Any bytes as a certificate, and as a file of certificates: what is taken must come out the same,
// and all that it says must be sayable to a terminal.
#include <algorithm>
#include <string>

#include "base/assert.hpp"
#include "crypto/certificate.hpp"
#include "crypto/certificate_file.hpp"

namespace {

using namespace handfast;
using namespace handfast::crypto;

void expect_printable(std::string_view text) {
  ASSERT(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

void look_at(const Certificate& certificate) {
  const auto again = Certificate::parse(certificate.der());
  ASSERT(again && *again == certificate);
  ASSERT(again->fingerprint() == certificate.fingerprint());
  expect_printable(describe(certificate));
  expect_printable(certificate.name_constraints());
  if (const auto names = certificate.names()) {
    const auto name = PeerName::parse("www.example.org");
    ASSERT(name);
    if (names_match(*names, *name)) ASSERT(!names->dns.empty());
  }
  if (!certificate.is_ca()) ASSERT(!certificate.path_length());
  ASSERT(certificate.subject_der().size() <= certificate.der().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  const auto certificate = Certificate::parse(bytes);
  if (certificate) {
    ASSERT(std::ranges::equal(certificate->der(), bytes));
    look_at(*certificate);
  } else {
    expect_printable(certificate.error().sentence);
  }
  const auto all = parse_certificates(bytes);
  const auto readable = parse_readable_certificates(bytes);
  if (!all) {
    expect_printable(all.error().sentence);
    return 0;
  }
  ASSERT(!all->empty() && *all == readable);
  const std::string pem = to_pem(*all);
  const auto again = parse_certificates(as_bytes(pem));
  ASSERT(again && *again == *all);
  return 0;
}
