// RFC 9110 §8.8.3 (entity tags) and §13 (conditional requests).
#include "http/conditional.hpp"

#include "http/date.hpp"
#include "http/grammar.hpp"

namespace handfast::http {
namespace {

bool is_weak(std::string_view tag) { return tag.starts_with("W/"); }
std::string_view opaque(std::string_view tag) { return is_weak(tag) ? tag.substr(2) : tag; }

/// §8.8.3.2. Where none is weak, both comparisons are the same.
bool matches(std::string_view a, std::string_view b, bool strongly) {
  if (strongly && (is_weak(a) || is_weak(b))) return false;
  return !a.empty() && opaque(a) == opaque(b);
}

/// Takes the entity tag at the front of a list: "" at its end, or where there is none.
std::string_view take_tag(std::string_view& list) {
  const auto begin = list.find_first_not_of(", \t");
  if (begin == list.npos) return {};
  list.remove_prefix(begin);
  const std::size_t quote = is_weak(list) ? 2 : 0;
  if (quote >= list.size() || list[quote] != '"') return {};
  const auto end = list.find('"', quote + 1);
  if (end == list.npos) return {};
  const std::string_view tag = list.substr(0, end + 1);
  list.remove_prefix(tag.size());
  return tag;
}

/// Whether a list of all fields called `name` is "*" or has the tag.
bool lists_tag(Fields fields, std::string_view name, std::string_view tag, bool strongly) {
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (field.value == "*") return true;
    std::string_view list = field.value;
    for (auto one = take_tag(list); !one.empty(); one = take_tag(list))
      if (matches(one, tag, strongly)) return true;
  }
  return false;
}

std::optional<i64> date_in(Fields fields, std::string_view name) {
  // Two of a kind are no date (§5.3): then there is no condition.
  if (count(fields, name) != 1) return std::nullopt;
  return parse_date(*find(fields, name));
}

}  // namespace

Precondition check_preconditions(const Request& request, const Validators& validators) {
  const Fields fields = request.fields;
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (count(fields, "if-match") > 0) {
    if (!lists_tag(fields, "if-match", validators.entity_tag, true)) return Precondition::fails;
  } else if (const auto date = date_in(fields, "if-unmodified-since");
             date && validators.modified > *date) {
    return Precondition::fails;
  }
  if (count(fields, "if-none-match") > 0) {
    if (!lists_tag(fields, "if-none-match", validators.entity_tag, false))
      return Precondition::holds;
    return is_read ? Precondition::not_modified : Precondition::fails;
  }
  const auto date = is_read ? date_in(fields, "if-modified-since") : std::nullopt;
  if (date && validators.modified >= 0 && validators.modified <= *date)
    return Precondition::not_modified;
  return Precondition::holds;
}

bool if_range_holds(const Request& request, const Validators& validators) {
  const u32 conditions = count(request.fields, "if-range");
  if (conditions != 1) return conditions == 0;
  return matches(*find(request.fields, "if-range"), validators.entity_tag, true);
}

}  // namespace handfast::http
