// devices/virtio/user_net.cpp - binds libslirp to poll(2), the host's clock and a frame sink.
#include "devices/virtio/user_net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>

namespace farside::dev::virtio {
namespace {

struct Timer {
  SlirpTimerCb callback;
  void* opaque;
  i64 expires_ms = -1;  ///< negative: not set
};

i64 now_ns() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool parse_address(const std::string& text, in_addr& address) {
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

in_addr address_of(const char* text) {
  in_addr address{};
  CHECK(parse_address(text, address), "{}", text);
  return address;
}

constexpr std::pair<int, int> kEvents[] = {{SLIRP_POLL_IN, POLLIN},
                                           {SLIRP_POLL_OUT, POLLOUT},
                                           {SLIRP_POLL_PRI, POLLPRI},
                                           {SLIRP_POLL_ERR, POLLERR},
                                           {SLIRP_POLL_HUP, POLLHUP}};

/// libslirp sends on sockets of the host without MSG_NOSIGNAL: while this lives, a peer that has gone is an error of
/// the call, and no SIGPIPE, which would end the run. That of a console at a closed pipe still does.
class WithoutBrokenPipe {
 public:
  WithoutBrokenPipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutBrokenPipe() {
    constexpr timespec kNow{};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &kNow) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_;
};

}  // namespace

struct UserNet::State {
  Slirp* slirp = nullptr;
  Sink to_guest;
  std::list<Timer> timers;
  std::vector<pollfd> sockets;
  SlirpCb callbacks{};

  static State& of(void* opaque) { return *static_cast<State*>(opaque); }
  void fill_callbacks();
  void run_timers();
};

void UserNet::State::fill_callbacks() {
  callbacks.send_packet = [](const void* data, size_t size, void* opaque) -> ssize_t {
    of(opaque).to_guest({static_cast<const u8*>(data), size});
    return static_cast<ssize_t>(size);
  };
  callbacks.guest_error = [](const char*, void*) {};
  callbacks.clock_get_ns = [](void*) -> int64_t { return now_ns(); };
  callbacks.timer_new = [](SlirpTimerCb callback, void* callback_opaque, void* opaque) -> void* {
    auto& timers = of(opaque).timers;
    timers.push_back({callback, callback_opaque});
    return &timers.back();
  };
  callbacks.timer_free = [](void* timer, void* opaque) {
    of(opaque).timers.remove_if([timer](const Timer& t) { return &t == timer; });
  };
  callbacks.timer_mod = [](void* timer, int64_t expires, void*) { static_cast<Timer*>(timer)->expires_ms = expires; };
  callbacks.register_poll_fd = [](int, void*) {};
  callbacks.unregister_poll_fd = [](int, void*) {};
  callbacks.notify = [](void*) {};
}

void UserNet::State::run_timers() {
  const i64 now = now_ns() / 1'000'000;
  for (auto timer = timers.begin(); timer != timers.end();) {
    auto current = timer++;  // a callback may free its own timer
    if (current->expires_ms < 0 || current->expires_ms > now) continue;
    current->expires_ms = -1;
    current->callback(current->opaque);
  }
}

UserNet::UserNet(std::unique_ptr<State> state) : state_(std::move(state)) {}

UserNet::~UserNet() {
  if (state_->slirp != nullptr) slirp_cleanup(state_->slirp);
}

Result<std::unique_ptr<UserNet>, UserError> UserNet::create(const std::vector<HostForward>& forwards, Sink to_guest) {
  std::unique_ptr<UserNet> net(new UserNet(std::make_unique<State>()));
  State& state = *net->state_;
  state.to_guest = std::move(to_guest);
  state.fill_callbacks();
  SlirpConfig config{};
  config.version = 1;
  config.in_enabled = true;
  config.vnetwork = address_of("10.0.2.0");
  config.vnetmask = address_of("255.255.255.0");
  config.vhost = address_of("10.0.2.2");
  config.vdhcp_start = address_of("10.0.2.15");
  config.vnameserver = address_of("10.0.2.3");
  state.slirp = slirp_new(&config, &state.callbacks, &state);
  if (state.slirp == nullptr) return UserError{"--net user: libslirp cannot be started"};
  for (const HostForward& forward : forwards) {
    in_addr host{}, guest{};
    if (!parse_address(forward.host_address, host) || !parse_address(forward.guest_address, guest)) {
      return UserError{
          fmt::format("--net user: hostfwd {}-{}: needs IPv4 addresses", forward.host_address, forward.guest_address)};
    }
    if (slirp_add_hostfwd(state.slirp, forward.udp, host, forward.host_port, guest, forward.guest_port) < 0) {
      return UserError{fmt::format("--net user: cannot listen on {}:{} ({})", forward.host_address, forward.host_port,
                                   std::strerror(errno))};
    }
  }
  return net;
}

void UserNet::send(std::span<const u8> frame) {
  const WithoutBrokenPipe guard;
  slirp_input(state_->slirp, frame.data(), static_cast<int>(frame.size()));
}

void UserNet::poll() {
  const WithoutBrokenPipe guard;
  State& state = *state_;
  state.sockets.clear();
  u32 timeout = 0;
  slirp_pollfds_fill(
      state.slirp, &timeout,
      [](int fd, int events, void* opaque) {
        auto& sockets = State::of(opaque).sockets;
        pollfd entry{fd, 0, 0};
        for (const auto& [theirs, ours] : kEvents) {
          if (events & theirs) entry.events = static_cast<short>(entry.events | ours);
        }
        sockets.push_back(entry);
        return static_cast<int>(sockets.size()) - 1;
      },
      &state);
  const int ready = ::poll(state.sockets.data(), state.sockets.size(), 0);
  slirp_pollfds_poll(
      state.slirp, ready < 0,
      [](int index, void* opaque) {
        const short happened = State::of(opaque).sockets[static_cast<usize>(index)].revents;
        int events = 0;
        for (const auto& [theirs, ours] : kEvents) {
          if (happened & ours) events |= theirs;
        }
        return events;
      },
      &state);
  state.run_timers();
}

}  // namespace farside::dev::virtio
