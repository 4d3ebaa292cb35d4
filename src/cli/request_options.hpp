// The request that `handfast get` sends, from its options.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/fetch.hpp"
#include "io/http_agent.hpp"
#include "io/networks.hpp"
#include "io/resolver.hpp"

namespace handfast::cli {

// All throw Failure for what cannot be meant.
http::Url url_of(const std::string& text);
/// "10s", "500ms"; a bare number is in seconds.
Duration duration_of(const char* option, const std::string& text);
/// The content of --data: none without one.
std::unique_ptr<io::HttpSource> content_of(const GetOptions& options);
/// All of the request but its URL.
io::HttpFetch request_of(const GetOptions& options, io::HttpSource* content);
io::HttpAgent::Options agent_options(const GetOptions& options);
/// Name servers of --dns, or else those of /etc/resolv.conf that `network` can reach.
io::Resolver::Options resolver_options(const GetOptions& options, const io::Network& network);

}  // namespace handfast::cli
