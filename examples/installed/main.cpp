// A program of somebody else's: it has Handfast from a package manager, or in a folder beside it.
#include <string>

#include <fmt/format.h>

#include <handfast/wire/address.hpp>

int main() {
  const auto address = handfast::wire::IpAddress::parse("2001:db8::1");
  if (!address) return 1;
  fmt::print("{}\n", to_string(*address));
}
