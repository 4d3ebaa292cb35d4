// What a reader makes of the bytes of one connection: the messages, and how it ends. So that two
// readers can be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handfast::http {

struct FieldText {
  std::string name;
  std::string value;
  bool operator==(const FieldText&) const = default;
};

struct Message {
  std::string start;  // "GET / 1.1" or "200 OK 1.1"
  std::vector<FieldText> fields;
  std::string content;
  std::vector<FieldText> trailers;
};

struct Reading {
  enum class End {
    more,     // it would read on, perhaps inside a message
    refusal,  // for the reason `why`
    last,     // the last message closes the connection, or hands it to another protocol
  };
  std::vector<Message> messages;  // complete ones
  End end = End::more;
  std::string why;
};

/// Requests, or the responses to GET requests. `text` is all that comes.
Reading read_by_us(bool requests, std::string_view text);
/// "8.1.0": other versions read other things.
std::string llhttp_version();
/// By llhttp with every leniency off.
Reading read_by_llhttp(bool requests, std::string_view text);

}  // namespace handfast::http
