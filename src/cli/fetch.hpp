// What `handfast get` does, once its options are known: one URL after the other.
#pragma once

#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "cli/own_stack.hpp"
#include "cli/tls_options.hpp"

namespace handfast::cli {

struct GetOptions {
  std::vector<std::string> urls{};
  std::vector<std::string> outputs{};  // the first for the first URL
  bool use_remote_name = false;
  OwnStackOptions own{};
  TlsClientOptions tls{};
  bool use_kernel = false;
  std::vector<std::string> name_servers{};
  std::string proxy{};

  std::string method{};
  bool is_head = false;
  std::vector<std::string> fields{};
  std::vector<std::string> data{};
  std::vector<std::string> cookies{};
  std::string range{};
  std::string resume{};  // "-", or an offset
  bool is_compressed = false;
  bool only_http1 = false;

  u32 redirects_max = 10;
  bool may_downgrade = false;
  u32 retries_max = 0;
  std::string connect_timeout = "10s";
  std::string tls_timeout = "10s";
  std::string first_byte_timeout{};  // else as the next
  std::string idle_timeout = "60s";
  std::string time_max{};

  bool shows_timing = false;
  bool is_quiet = false;
  bool is_verbose = false;
};

/// Fetches all. Throws Failure: the last one of several, after the others were printed.
void fetch_all(const GetOptions& options);

}  // namespace handfast::cli
