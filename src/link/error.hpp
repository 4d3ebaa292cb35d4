// What a device that cannot be had says: what happened, and what to do about it.
#pragma once

#include <string>

namespace handfast::link {

struct Error {
  std::string what;    // "cannot open tun0: it is in use by another process"
  std::string advice;  // "choose another name with --tun, or end that process"
  int code = 0;        // the errno behind it, or 0
};

}  // namespace handfast::link
