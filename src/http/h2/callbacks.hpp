// Where nghttp2 calls us. None of it leaves this room.
#pragma once

#include <nghttp2/nghttp2.h>

#include "http/h2/connection.hpp"

namespace handfast::http::h2 {

struct Callbacks {
  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user);
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int header(nghttp2_session*, const nghttp2_frame* frame, const u8* name, size_t name_size,
                    const u8* value, size_t value_size, u8 flags, void* user);
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static int data(nghttp2_session*, u8 flags, i32 id, const u8* data, size_t size, void* user);
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static int stream_closed(nghttp2_session*, i32 id, u32 code, void* user);
  static ssize_t read_content(nghttp2_session*, i32 id, u8* buffer, size_t size, u32* flags,
                              nghttp2_data_source* source, void* user);
  static int send_content(nghttp2_session*, nghttp2_frame* frame, const u8* head, size_t size,
                          nghttp2_data_source* source, void* user);
};

}  // namespace handfast::http::h2
