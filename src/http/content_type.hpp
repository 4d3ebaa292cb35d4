// RFC 9110 §8.3: what a file is, by the end of its name.
#pragma once

#include <string_view>

namespace handfast::http {

/// "text/html; charset=utf-8" for "a/index.html"; "application/octet-stream" for what is unknown.
std::string_view content_type(std::string_view path);
/// Whether content of this type gets smaller by a content coding, as texts do and pictures do not.
bool is_compressible(std::string_view type);

}  // namespace handfast::http
