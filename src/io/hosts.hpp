// Names without DNS: literal addresses and the system's hosts file (hosts(5)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/address.hpp"

namespace handfast::io {

/// The addresses that `name` stands for in hosts-file `text`, in the file's order, any case.
std::vector<wire::IpAddress> find_in_hosts(std::string_view text, std::string_view name);
/// `name` itself if it is an address, else what the file says; empty where nobody knows it.
std::vector<wire::IpAddress> look_up(const std::string& name,
                                     const std::string& hosts_file = "/etc/hosts");

/// Takes the next word of a line of such a file.
std::string_view take_word(std::string_view& line);

}  // namespace handfast::io
