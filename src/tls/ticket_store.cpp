#include "tls/ticket_store.hpp"

#include <algorithm>

namespace handfast::tls {

void TicketStore::put(Ticket ticket) {
  if (tickets_max_ == 0) return;
  if (tickets_.size() == tickets_max_) tickets_.pop_front();
  tickets_.push_back(std::move(ticket));
}

std::optional<Ticket> TicketStore::take(std::string_view server_name, Instant now) {
  std::erase_if(tickets_, [&](const Ticket& ticket) { return !ticket.is_usable(now); });
  const auto found = std::ranges::find(tickets_.rbegin(), tickets_.rend(), server_name,
                                       [](const Ticket& ticket) { return ticket.server_name; });
  if (found == tickets_.rend()) return std::nullopt;
  std::optional<Ticket> ticket(std::move(*found));
  tickets_.erase(std::next(found).base());
  return ticket;
}

}  // namespace handfast::tls
