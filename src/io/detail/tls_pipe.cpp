#include "io/detail/tls_pipe.hpp"

#include <algorithm>
#include <utility>

namespace handfast::io::detail {

TlsPipe::TlsPipe(TlsContext& context, std::string_view server_name, trace::StreamSink* sink)
    : context_(context),
      server_name_(server_name),
      spare_(context.spare_buffers),
      session_(tls::Session::client(context.config, server_name, context.random(),
                                    context.tickets.take(server_name, context.clock()),
                                    context.clock(), sink)) {}

TlsPipe::TlsPipe(TlsContext& context, trace::StreamSink* sink)
    : context_(context),
      spare_(context.spare_buffers),
      session_(tls::Session::server(context.config, context.random(), sink)) {}

TlsPipe::~TlsPipe() {
  release_input();
  release_output();
}

MutBytes TlsPipe::space() {
  if (!input_) input_ = spare_->take(read_bytes);
  const MutBytes all = input_.all();
  std::copy(all.begin() + begin_, all.begin() + end_, all.begin());
  end_ -= std::exchange(begin_, 0);
  return all.subspan(end_);
}

bool TlsPipe::release_if_empty() {
  if (begin_ != end_ || !session_.plaintext().empty()) return false;
  release_input();
  return true;
}

void TlsPipe::release_input() {
  begin_ = end_ = 0;
  spare_->give_back(std::move(input_));
}

void TlsPipe::written(std::size_t n) {
  output_begin_ += to<u32>(n);
  if (output_begin_ == output_end_) output_begin_ = output_end_ = 0;
}

void TlsPipe::release_output() {
  output_begin_ = output_end_ = 0;
  spare_->give_back(std::move(output_));
}

bool TlsPipe::feed() {
  const auto taken = session_.feed(input_.all().first(end_).subspan(begin_), context_.clock());
  if (taken) begin_ += *taken;
  release_if_empty();
  context_.answer(session_, server_name_);
  return taken.value_or(0) > 0;
}

std::size_t TlsPipe::gather(Bytes bytes) {
  if (!gathered().empty()) return 0;
  if (!output_) output_ = spare_->take(write_bytes);
  output_end_ = session_.take(output_.all());
  if (bytes.empty() || session_.has_output()) return 0;
  const MutBytes room = output_.all().subspan(output_end_);
  const bool is_early = !session_.can_seal();
  const Bytes early = bytes.first(std::min(bytes.size(), early_room()));
  const auto sealed = is_early ? session_.seal_early(early, room) : session_.seal(bytes, room);
  if (is_early) early_.insert(early_.end(), early.begin(), early.begin() + sealed.taken);
  output_end_ += sealed.written;
  return sealed.taken;
}

std::size_t TlsPipe::early_room() const {
  return std::min<std::size_t>(session_.early_room(), early_bytes_kept_max - early_.size());
}

Result<std::vector<u8>, std::error_code> TlsPipe::take_rejected() {
  std::vector<u8> early = std::exchange(early_, {});
  const tls::Summary& summary = session_.summary();
  if (summary.early_data != tls::EarlyData::rejected) early.clear();
  // RFC 8446 §4.2.10: not "unless the negotiated connection selects the same ALPN protocol".
  if (!early.empty() && summary.protocol != summary.early_protocol)
    return failure(make_error_code(TlsErrc::early_data_rejected));
  return early;
}

}  // namespace handfast::io::detail
