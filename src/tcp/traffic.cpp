#include "tcp/traffic.hpp"

namespace handfast::tcp {

void Traffic::book(Instant now) {
  switch (wait) {
    case Wait::nothing: break;
    case Wait::network: waited_network += now - wait_since; break;
    case Wait::window: waited_window += now - wait_since; break;
    case Wait::buffer: waited_buffer += now - wait_since; break;
  }
  wait_since = now;
}

}  // namespace handfast::tcp
