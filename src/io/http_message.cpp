#include "io/http_message.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace handfast::io {
namespace {

// What an answer's head takes; so a list is allocated once.
constexpr std::size_t text_bytes_usual = 256;
constexpr std::size_t fields_usual = 8;

}  // namespace

void FieldList::reserve(std::size_t more) {
  if (text_.capacity() - text_.size() >= more) return;
  std::vector<char> larger;
  larger.reserve(std::max({2 * text_.capacity(), text_.size() + more, text_bytes_usual}));
  larger.assign(text_.begin(), text_.end());
  for (http::Field& field : fields_)
    for (std::string_view* part : {&field.name, &field.value})
      if (!part->empty()) *part = {larger.data() + (part->data() - text_.data()), part->size()};
  text_ = std::move(larger);
}

std::string_view FieldList::keep(std::string_view text) {
  const std::size_t at = text_.size();
  text_.insert(text_.end(), text.begin(), text.end());
  return {text_.data() + at, text.size()};
}

void FieldList::add(std::string_view name, std::string_view value) {
  reserve(name.size() + value.size());
  if (fields_.empty()) fields_.reserve(fields_usual);
  const std::string_view kept = keep(name);
  fields_.push_back({kept, keep(value)});
}

void FieldList::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void FieldList::remove(std::string_view name) {
  std::erase_if(fields_, [&](const http::Field& field) {
    return http::equals_ignoring_case(field.name, name);
  });
}

void FieldList::assign(http::Fields fields) {
  std::size_t size = 0;
  for (const http::Field& field : fields) size += field.name.size() + field.value.size();
  fields_.clear();
  text_.clear();
  fields_.reserve(fields.size());
  reserve(size);
  for (const http::Field& field : fields) add(field.name, field.value);
}

std::string_view HttpRequest::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
  const auto mark = target.find('?');
  return mark == target.npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::string_view HttpRequest::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name,
                                       [](const auto& one) { return std::string_view(one.first); });
  return found == parameters.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace handfast::io
