#include "tls/ticket_store.hpp"

#include <gtest/gtest.h>

namespace handfast::tls {
namespace {

Ticket ticket(std::string name, u8 mark, Instant received = Instant(1h)) {
  Ticket made;
  made.server_name = std::move(name);
  made.ticket = {mark};
  made.received = received;
  made.lifetime = 1h;
  return made;
}

TEST(TicketStore, gives_the_newest_of_a_name_and_each_once) {
  TicketStore store;
  store.put(ticket("a", 1));
  store.put(ticket("b", 2));
  store.put(ticket("a", 3));
  EXPECT_EQ(store.take("a", Instant(1h))->ticket[0], 3);
  EXPECT_EQ(store.take("a", Instant(1h))->ticket[0], 1);
  EXPECT_FALSE(store.take("a", Instant(1h)).has_value());
  EXPECT_EQ(store.take("b", Instant(1h))->ticket[0], 2);
}

TEST(TicketStore, gives_none_that_is_too_old) {
  TicketStore store;
  store.put(ticket("a", 1, Instant(1h)));
  EXPECT_FALSE(store.take("a", Instant(2h)).has_value());
  EXPECT_EQ(store.size(), 0U);
}

TEST(TicketStore, forgets_the_oldest_where_there_are_too_many) {
  TicketStore store(2);
  for (const u8 mark : {u8{1}, u8{2}, u8{3}}) store.put(ticket("a", mark));
  EXPECT_EQ(store.size(), 2U);
  EXPECT_EQ(store.take("a", Instant(1h))->ticket[0], 3);
  EXPECT_EQ(store.take("a", Instant(1h))->ticket[0], 2);
  TicketStore none(0);
  none.put(ticket("a", 1));
  EXPECT_EQ(none.size(), 0U);
}

}  // namespace
}  // namespace handfast::tls
