// How `handfast ca` leaves files behind: all or none as far as can be, keys for their owner alone.
#pragma once

#include <string>
#include <vector>

namespace handfast::cli {

struct NewFile {
  std::string name{};
  std::string text{};
  bool is_secret = false;  // mode 0600, else 0644
};

std::string path_in(const std::string& directory, const std::string& name);
/// Also a link that leads nowhere.
bool exists(const std::string& path);

/// Makes `directory` if need be and writes `files` into it. Throws Failure where one of them is
/// there, unless `force`; then, and on any error, none that was there has been touched half.
void write_files(const std::string& directory, const std::vector<NewFile>& files, bool force);

}  // namespace handfast::cli
