#include "io/http_client.hpp"

namespace handfast::io {

bool is_redirect(u16 status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace handfast::io
