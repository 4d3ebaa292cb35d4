// C2SP's x509-limbo: chains with the verdict that a path validator should give. The file is not in
// the tree: the environment's HANDFAST_VECTORS names the directory that has limbo.json.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "crypto/certificate_file.hpp"
#include "crypto/chain_verifier.hpp"
#include "support/vectors.hpp"

namespace handfast::crypto {
namespace {

using Json = nlohmann::json;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// "2024-03-01T00:00:00+00:00", perhaps with a fraction; where there is none, the day limbo's
/// authors would run it.
WallTime time_of(const Json& text) {
  if (text.is_null()) return std::chrono::sys_days{std::chrono::year{2026} / 3 / 1};
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  EXPECT_EQ(std::sscanf(text.get<std::string>().c_str(), "%d-%u-%uT%d:%d:%d", &year, &month, &day,
                        &hour, &minute, &second),
            6);
  return std::chrono::sys_days{std::chrono::year{year} / std::chrono::month{month} /
                               std::chrono::day{day}} +
         std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
}

/// "accepted", or the rule that refused it and the sentence.
std::string verdict_on(const Json& test) {
  TrustStore store;
  for (const Json& pem : test["trusted_certs"]) {
    const auto trusted = parse_certificates(as_bytes(pem.get<std::string>()));
    // A root that cannot be read trusts nobody; the chain then has no issuer.
    if (trusted) store.add(*trusted);
  }
  VerifierConfig config;
  if (!test["max_chain_depth"].is_null())
    config.intermediates_max = test["max_chain_depth"].get<u32>();
  // These are about public CAs, the others about RFC 5280.
  config.public_profile = test["id"].get<std::string>().starts_with("webpki::");
  ChainVerifier verifier(std::move(store), config);

  std::vector<std::vector<u8>> sent;
  const auto send = [&](const std::string& pem) -> std::string {
    const auto parsed = parse_certificates(as_bytes(pem));
    if (!parsed)
      return fmt::format("{}: {}", to_string(parsed.error().rule), parsed.error().sentence);
    sent.push_back(parsed->front().der());
    return "";
  };
  if (auto why = send(test["peer_certificate"]); !why.empty()) return why;
  for (const Json& pem : test["untrusted_intermediates"])
    if (auto why = send(pem); !why.empty()) return why;

  VerifyRequest request;
  request.purpose = test["validation_kind"] == "SERVER" ? Purpose::server : Purpose::client;
  request.now = time_of(test["validation_time"]);
  if (const Json& name = test["expected_peer_name"]; !name.is_null()) {
    const auto parsed = PeerName::parse(name["value"].get<std::string>());
    if (!parsed) return "unaskable: " + parsed.error();
    request.name = *parsed;
  }
  const std::vector<Bytes> chain(sent.begin(), sent.end());
  const auto verdict = verifier.verify(chain, request);
  if (verdict) return "accepted";
  return fmt::format("{}: {}", to_string(verdict.error().rule), verdict.error().sentence);
}

/// Lines of "id | reason"; "#" begins a comment.
std::map<std::string, std::string> known_deviations() {
  std::istringstream lines(
      contents(std::filesystem::path(HANDFAST_SOURCE_DIR) / "tests/crypto/limbo_deviations.txt"));
  std::map<std::string, std::string> known;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto bar = line.find(" | ");
    EXPECT_NE(bar, line.npos) << "not \"id | reason\": " << line;
    if (bar != line.npos) known[line.substr(0, bar)] = line.substr(bar + 3);
  }
  return known;
}

TEST(Limbo, verdicts_are_as_expected_but_for_the_deviations_that_are_listed) {
  const auto file = test::vector_file("limbo.json");
  if (!file) GTEST_SKIP() << test::no_vectors;
  const Json limbo = Json::parse(contents(*file));
  const bool shows_all = std::getenv("HANDFAST_LIMBO_VERBOSE") != nullptr;

  std::map<std::string, std::string> unlisted = known_deviations();
  std::size_t as_expected = 0;
  std::size_t deviating = 0;
  for (const Json& test : limbo["testcases"]) {
    const std::string id = test["id"];
    const std::string verdict = verdict_on(test);
    const bool is_expected = (verdict == "accepted") == (test["expected_result"] == "SUCCESS");
    if (shows_all) fmt::print("{} {}: {}\n", is_expected ? " " : "*", id, verdict);
    const bool is_listed = unlisted.erase(id) == 1;
    if (is_expected)
      ++as_expected;
    else
      ++deviating;
    EXPECT_NE(is_listed, is_expected)
        << id << ": " << verdict
        << (is_listed ? "; it no longer deviates: take it off the list" : "");
  }
  RecordProperty("as_expected", static_cast<int>(as_expected));
  EXPECT_GE(as_expected * 10, (as_expected + deviating) * 9);
  fmt::print("limbo: {} of {} as expected\n", as_expected, as_expected + deviating);
  for (const auto& [id, reason] : unlisted)
    ADD_FAILURE() << id << " is on the list and not in limbo.json: take it off";
}

}  // namespace
}  // namespace handfast::crypto
