#include "io/any_stream.hpp"

#include "io/detail/any_stream_of.hpp"
#include "io/tls_listener.hpp"

namespace handfast::io {
namespace {

template <class Listener>
std::unique_ptr<AnyListener> erase(Listener listener, TlsContext* tls) {
  using Secured = TlsListener<Listener>;
  if (tls == nullptr) return std::make_unique<detail::AnyListenerOf<Listener>>(std::move(listener));
  return std::make_unique<detail::AnyListenerOf<Secured>>(Secured(std::move(listener), *tls));
}

}  // namespace

std::unique_ptr<AnyStream> any_stream(TcpStream stream) {
  return std::make_unique<detail::AnyStreamOf<TcpStream>>(std::move(stream));
}
std::unique_ptr<AnyStream> any_stream(KernelStream stream) {
  return std::make_unique<detail::AnyStreamOf<KernelStream>>(std::move(stream));
}
std::unique_ptr<AnyListener> any_listener(TcpListener listener, TlsContext* tls) {
  return erase(std::move(listener), tls);
}
std::unique_ptr<AnyListener> any_listener(KernelListener listener, TlsContext* tls) {
  return erase(std::move(listener), tls);
}

}  // namespace handfast::io
