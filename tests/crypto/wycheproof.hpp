// Wycheproof's files of test vectors (C2SP/wycheproof, testvectors_v1).
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/types.hpp"
#include "support/vectors.hpp"

namespace handfast::crypto {

using Json = nlohmann::json;

inline std::vector<u8> hex(const Json& object, const char* name) {
  return test::from_hex(object.at(name).get<std::string>());
}

/// Calls `judge(group, test)` for each vector of `file`; it returns whether ours accepts it. Those
/// that the authors call acceptable may go either way, unless `judge` decides by itself.
template <class Judge>
void each_vector(const std::string& file, Judge judge) {
  const auto path = test::vector_file("wycheproof/" + file);
  if (!path) GTEST_SKIP() << test::no_vectors;
  std::ifstream stream(*path);
  const Json all = Json::parse(stream);
  int count = 0;
  for (const Json& group : all.at("testGroups"))
    for (const Json& vector : group.at("tests")) {
      const std::string wanted = vector.at("result");
      const bool accepted = judge(group, vector);
      ++count;
      if (wanted == "acceptable") continue;
      EXPECT_EQ(accepted, wanted == "valid")
          << file << " " << vector.at("tcId") << ": " << vector.at("comment");
    }
  EXPECT_EQ(count, all.at("numberOfTests").get<int>());
}

}  // namespace handfast::crypto
