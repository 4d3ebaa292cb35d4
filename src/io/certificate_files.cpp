#include "io/certificate_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "crypto/certificate_file.hpp"

namespace handfast::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 16U << 20;
constexpr std::array system_stores{
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora
    "/etc/ssl/ca-bundle.pem",              // openSUSE
    "/etc/ssl/cert.pem",                   // the BSDs, macOS
};

Result<std::string, std::string> contents_of(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return failure(path + ": it is a directory; give a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(fmt::format("{}: {}", path, std::generic_category().message(errno)));
  std::string text;
  std::array<char, 16384> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    text.append(block.data(), to<std::size_t>(file.gcount()));
    if (text.size() > file_bytes_max)
      return failure(fmt::format("{}: more than {} MiB", path, file_bytes_max >> 20));
  }
  return text;
}

bool is_certificate_file(const fs::path& path) {
  const fs::path extension = path.extension();
  return extension == ".pem" || extension == ".crt" || extension == ".cer";
}

Result<crypto::TrustStore, std::string> load_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    if (is_certificate_file(at->path())) files.push_back(at->path());
  if (error) return failure(fmt::format("{}: {}", path, error.message()));
  std::ranges::sort(files);
  crypto::TrustStore store;
  for (const std::string& file : files)
    if (const auto text = contents_of(file))
      store.add(crypto::parse_readable_certificates(as_bytes(*text)));
  if (store.empty()) return failure(path + ": no certificate in its files *.pem, *.crt and *.cer");
  return store;
}

}  // namespace

Result<std::vector<crypto::Certificate>, std::string> load_certificates(const std::string& path) {
  const auto text = contents_of(path);
  if (!text) return std::unexpected(text.error());
  auto certificates = crypto::parse_certificates(as_bytes(*text));
  if (!certificates) return failure(fmt::format("{}: {}", path, certificates.error().sentence));
  return std::move(*certificates);
}

Result<crypto::PrivateKey, std::string> load_private_key(const std::string& path) {
  const auto text = contents_of(path);
  if (!text) return std::unexpected(text.error());
  auto key = crypto::PrivateKey::from_pem(*text);
  if (!key) return failure(fmt::format("{}: {}", path, key.error().why));
  return std::move(*key);
}

Result<tls::Identity, std::string> load_identity(const std::string& certificates,
                                                 const std::string& key) {
  auto chain = load_certificates(certificates);
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto own = load_private_key(key);
  if (!own) return std::unexpected(std::move(own.error()));
  if (chain->front().public_key() == own->public_key()) {
    std::vector<std::vector<u8>> ders;
    for (const crypto::Certificate& certificate : *chain) ders.push_back(certificate.der());
    auto identity = tls::Identity::make(std::move(ders), std::move(*own));
    if (!identity) return failure(std::move(identity.error().why));
    return std::move(*identity);
  }
  const auto fits = [&](const auto& one) { return one.public_key() == own->public_key(); };
  const bool is_later = std::ranges::any_of(*chain, fits);
  return failure(fmt::format(
      "{} is not the key of the first certificate in {}{}", key, certificates,
      is_later ? ", but of a later one: put the server's own first" : ": give the one that is"));
}

Result<crypto::TrustStore, std::string> load_trust_store(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return load_directory(path);
  const auto certificates = load_certificates(path);
  if (!certificates) return std::unexpected(certificates.error());
  crypto::TrustStore store;
  store.add(*certificates);
  return store;
}

Result<crypto::TrustStore, std::string> load_system_trust_store() {
  for (const char* path : system_stores) {
    const auto text = contents_of(path);
    if (!text) continue;
    crypto::TrustStore store;
    store.add(crypto::parse_readable_certificates(as_bytes(*text)));
    if (!store.empty()) return store;
  }
  return failure(
      fmt::format("this system has no trust store ({}): install the package "
                  "ca-certificates, or name a file of certificates to trust",
                  fmt::join(system_stores, ", ")));
}

WallTime wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace handfast::io
