// ScriptedPeer's other half: the application on the host, and short ways into each state.
#include <stdexcept>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {

using tcp::State;

tcp::Connection& ScriptedPeer::connection() {
  tcp::Connection* const found = find();
  if (found == nullptr) throw std::logic_error("the application holds no connection");
  return *found;
}

void ScriptedPeer::listen(u32 backlog, Here here) {
  const auto listener = host_->listen({host_address_, 80}, backlog, now_);
  if (!listener) return fail(here, "listen: " + std::string(tcp::to_string(listener.error())));
  listener_ = *listener;
  changed();
}

void ScriptedPeer::close_listener() {
  host_->close(listener_, now_);
  listener_ = {};
  changed();
}

void ScriptedPeer::connect(Here here) {
  note("  the application connects");
  const auto connection = host_->connect({peer_address_, peer_port_}, now_);
  if (!connection) return fail(here, "connect: " + std::string(to_string(connection.error())));
  connection_ = *connection;
  changed();
}

void ScriptedPeer::connect_early(const tcp::Settings& settings, u32 n, Here here) {
  note(fmt::format("  the application connects and sends {} bytes", n));
  const auto connection = host_->connect({peer_address_, peer_port_}, now_, {}, &settings);
  if (!connection) return fail(here, "connect: " + std::string(to_string(connection.error())));
  connection_ = *connection;
  if (n > 0) send_some(n);
  changed();
}

void ScriptedPeer::connect_listener(Here here) {
  note("  the listening application connects");
  const auto connection = host_->connect(listener_, {peer_address_, peer_port_}, now_);
  if (!connection) return fail(here, "connect: " + std::string(to_string(connection.error())));
  listener_ = {};
  connection_ = *connection;
  changed();
}

void ScriptedPeer::accept(Here here) {
  if (failed_) return;
  const std::optional<host::Conn> connection = host_->accept(listener_);
  if (!connection) return fail(here, "there is no connection to accept");
  connection_ = *connection;
  changed();
}

void ScriptedPeer::send(u32 n, Here here) {
  if (failed_) return;
  const u32 taken = send_some(n);
  if (taken != n) fail(here, fmt::format("the send buffer took {} of {} bytes", taken, n));
}

u32 ScriptedPeer::send_some(u32 n) {
  tcp::Connection* const to_write = find();
  if (to_write == nullptr) return 0;
  u32 sent = 0;
  while (sent < n) {
    const MutBytes space = to_write->send_space(n - sent);
    if (space.empty()) break;
    const u32 piece = std::min(n - sent, to<u32>(space.size()));
    fill_stream(space.first(piece), app_sent_);
    to_write->send(piece);
    app_sent_ += piece;
    sent += piece;
  }
  note(fmt::format("  the application sends {} bytes", sent));
  changed();
  return sent;
}

void ScriptedPeer::send_more(u32 n) {
  const MutBytes space = connection().send_space(n);
  ASSERT_EQ(space.size(), n);
  fill_stream(space, app_sent_);
  connection().send(n, true);
  app_sent_ += n;
  note(fmt::format("  the application sends {} bytes, and more will come", n));
  changed();
}

void ScriptedPeer::send_urgent(u32 n) {
  const MutBytes space = connection().send_space(n);
  ASSERT_EQ(space.size(), n);
  fill_stream(space, app_sent_);
  connection().send_urgent(n);
  app_sent_ += n;
  note(fmt::format("  the application sends {} urgent bytes", n));
  changed();
}

u32 ScriptedPeer::receive(u32 max, Here here) {
  tcp::Connection* const to_read = find();
  if (to_read == nullptr) return 0;
  u32 taken = 0;
  while (taken < max) {
    const Bytes bytes = to_read->received();
    if (bytes.empty()) break;
    const u32 piece = std::min(max - taken, to<u32>(bytes.size()));
    if (!is_stream(bytes.first(piece), app_received_))
      fail(here, fmt::format("wrong bytes behind byte {} of the stream", app_received_));
    to_read->consume(piece, now_);
    app_received_ += piece;
    taken += piece;
  }
  note(fmt::format("  the application reads {} bytes", taken));
  changed();
  return taken;
}

void ScriptedPeer::expect_received(u32 n, Here here) {
  if (failed_) return;
  const u32 came = receive(0xffff'ffff, here);
  if (came != n) fail(here, fmt::format("{} bytes were received, {} expected", came, n));
}

void ScriptedPeer::close() {
  note("  the application closes");
  if (find() != nullptr) find()->close(now_);
  changed();
}

void ScriptedPeer::abort() {
  note("  the application aborts");
  if (find() != nullptr) find()->abort(now_);
  changed();
}

void ScriptedPeer::release() {
  note("  the application lets go");
  host_->release(connection_, now_);
  changed();
}

void ScriptedPeer::change(const std::function<void(tcp::Settings&)>& choose) {
  if (find() != nullptr) {
    tcp::Settings wanted = find()->settings();
    choose(wanted);
    find()->change(wanted, now_);
  }
  changed();
}

void ScriptedPeer::changed() {
  mark_ = now_;
  if (find() != nullptr) host_->touch(connection_, now_);
  drain();
}

State ScriptedPeer::state() {
  if (const tcp::Connection* found = find()) return found->state();
  const host::Host::Census census = host_->census();
  if (census.half_open != 0) return State::syn_received;
  if (census.time_wait != 0) return State::time_wait;
  return listener_ ? State::listen : State::closed;
}

void ScriptedPeer::expect_state(State wanted, Here here) {
  if (failed_ || state() == wanted) return;
  fail(here, fmt::format("the state is {}, {} was expected", tcp::to_string(state()),
                         tcp::to_string(wanted)));
}

void ScriptedPeer::expect_error(tcp::Errc error, Here here) {
  if (failed_) return;
  const tcp::Connection* const found = find();
  if (found == nullptr) return fail(here, "the connection is not there any more");
  if (found->error() != error)
    fail(here, fmt::format("the error is \"{}\", \"{}\" was expected",
                           tcp::to_string(found->error()), tcp::to_string(error)));
}

void ScriptedPeer::expect_told(tcp::Event event, Here here) {
  if (!failed_ && !was_told(event))
    fail(here, fmt::format("the application was not told event {}", static_cast<int>(event)));
}

void ScriptedPeer::expect_nothing_left(Here here) {
  if (failed_) return;
  const host::Host::Census left = host_->census();
  if (left.connections + left.half_open + left.time_wait + left.buffer_bytes != 0)
    fail(here, fmt::format("left: {} connections, {} half-open, {} in TIME_WAIT, {} bytes",
                           left.connections, left.half_open, left.time_wait, left.buffer_bytes));
}

u64 ScriptedPeer::times_taken(State from, State to) const {
  return host_->tcp_counters().edges_taken[tcp::find_edge(from, to).value()];
}

void ScriptedPeer::open_passive(Segment first, Here here) {
  if (!listener_) listen(16, here);
  inject(first.seq(0));
  expect(syn_ack().seq(0).ack(1), at_once, here);
  Segment last = ack().seq(1).ack(1);
  if (first.wants_timestamps()) last.timestamps();
  inject(last);
  accept(here);
  expect_state(State::established, here);
}

void ScriptedPeer::open_active(Segment reply, Here here) {
  connect(here);
  expect(syn().seq(0), at_once, here);
  inject(reply.seq(0).ack(1));
  expect(ack().seq(1).ack(1), at_once, here);
  expect_state(State::established, here);
}

void ScriptedPeer::bring_to(State wanted, Here here) {
  if (wanted == State::listen) return listen(16, here);
  if (wanted == State::syn_sent) {
    connect(here);
    return expect(syn().seq(0), at_once, here);
  }
  if (wanted == State::syn_received) {  // by simultaneous open
    bring_to(State::syn_sent, here);
    inject(syn().seq(0).mss(1460));
    expect(syn_ack().seq(0).ack(1), at_once, here);
    return expect_state(wanted, here);
  }
  open_passive(syn().mss(1460), here);
  if (wanted == State::established) return;
  if (wanted == State::close_wait || wanted == State::last_ack) {
    inject(fin());
    expect(ack().seq(1).ack(2), at_once, here);
  }
  if (wanted != State::close_wait) {
    close();
    expect(fin().seq(1), at_once, here);
  }
  if (wanted == State::closing) {
    inject(fin().ack(1));
    expect(ack().ack(2), at_once, here);
  }
  if (wanted == State::fin_wait_2 || wanted == State::time_wait) inject(ack());
  if (wanted == State::time_wait) {
    inject(fin());
    expect(ack().seq(2).ack(2), at_once, here);
  }
  expect_state(wanted, here);
}

}  // namespace handfast::test
