#include "io/error.hpp"

#include <string>

#include <asio/error.hpp>

namespace handfast::io {
namespace {

std::error_condition condition_of(tcp::Errc code) {
  using tcp::Errc;
  switch (code) {
    case Errc::none: return {};
    case Errc::refused: return std::errc::connection_refused;
    case Errc::reset: return std::errc::connection_reset;
    case Errc::aborted: return std::errc::connection_aborted;
    case Errc::timed_out: return std::errc::timed_out;
    case Errc::unreachable: return std::errc::host_unreachable;
    case Errc::closing: return std::errc::broken_pipe;
    case Errc::not_connected: return std::errc::not_connected;
    case Errc::no_memory: return std::errc::no_buffer_space;
    case Errc::in_use: return std::errc::address_in_use;
    case Errc::no_route: return std::errc::network_unreachable;
    case Errc::message_size: return std::errc::message_size;
  }
  return std::errc::protocol_error;
}

class TcpCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "handfast.tcp"; }
  std::string message(int value) const override {
    return std::string(tcp::to_string(static_cast<tcp::Errc>(value)));
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    return condition_of(static_cast<tcp::Errc>(value));
  }
};

}  // namespace

const std::error_category& tcp_category() noexcept {
  static const TcpCategory category;
  return category;
}

bool is(const std::error_code& error, std::errc condition) {
  if (error == condition) return true;
  return error.category() == asio::error::get_system_category() &&
         error.value() == static_cast<int>(condition);
}

}  // namespace handfast::io
