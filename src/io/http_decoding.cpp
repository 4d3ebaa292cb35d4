#include "io/http_decoding.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace handfast::io {
namespace {

constexpr u32 room_bytes = 64u << 10;

/// What it is about, why() says.
std::error_code unpackable() { return std::make_error_code(std::errc::illegal_byte_sequence); }

}  // namespace

bool HttpDecoding::on_head(const http::Response& response, std::optional<u64> length) {
  decoders_.clear();
  why_.clear();
  if (!add_decoders(response.fields)) return true;  // on_content() will say so
  return sink_.on_head(response, decoders_.empty() ? length : std::nullopt);
}

bool HttpDecoding::add_decoders(http::Fields fields) {
  for (const http::Field& field : fields) {
    if (!http::equals_ignoring_case(field.name, "content-encoding")) continue;
    for (std::string_view list = field.value; !list.empty();) {
      const std::string_view whole = list.substr(0, list.find(','));
      list.remove_prefix(std::min(whole.size() + 1, list.size()));
      const std::string_view name = http::trim(whole);
      if (name.empty() || http::equals_ignoring_case(name, "identity")) continue;
      auto decoder = http::ContentDecoder::make(name);
      if (!decoder) refuse("it is coded by " + std::string(name) + ", which is not known here");
      if (decoders_.size() == codings_max) refuse("it is coded too many times");
      if (!why_.empty()) return false;
      decoders_.push_back(std::move(decoder));
    }
  }
  rooms_.resize(decoders_.size());
  for (std::vector<u8>& room : rooms_) room.resize(room_bytes);
  return true;
}

std::error_code HttpDecoding::on_content(Bytes bytes) {
  return !why_.empty() ? unpackable() : pass_on(decoders_.size(), bytes);
}

std::error_code HttpDecoding::pass_on(std::size_t level, Bytes bytes) {
  if (level == 0) {
    if (decoders_.empty()) return sink_.on_content(bytes);
    if (bytes.size() > left_) refuse("it is too large when unpacked");
    if (!why_.empty()) return unpackable();
    left_ -= bytes.size();
    return bytes.empty() ? std::error_code{} : sink_.on_content(bytes);
  }
  std::vector<u8>& room = rooms_[level - 1];
  while (true) {
    const auto made = decoders_[level - 1]->decode(bytes, room);
    if (!made) refuse(std::string(made.error().why));
    if (!made) return unpackable();
    const Bytes out = Bytes(room).first(*made);
    if (const std::error_code error = pass_on(level - 1, out)) return error;
    if (*made < room.size()) return {};
  }
}

bool HttpDecoding::finish() {
  if (!why_.empty()) return false;
  for (const auto& decoder : decoders_)
    if (!decoder->is_complete()) refuse("it ends too early to be unpacked");
  return why_.empty();
}

}  // namespace handfast::io
