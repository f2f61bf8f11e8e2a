// devices/virtio/user_net.h - a network in user space (libslirp): NAT to the host's network, DHCP, DNS, forwards.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::dev::virtio {

/// A port of the host that leads into the guest.
struct HostForward {
  bool udp = false;
  std::string host_address = "127.0.0.1";
  u16 host_port = 0;
  std::string guest_address = "10.0.2.15";
  u16 guest_port = 0;
};

/// 10.0.2.0/24: the host is .2, DNS is .3, the guest gets .15 by DHCP. Opens no socket of the host by itself except
/// for forwards and for what the guest connects to. Runs on the host's clock.
class UserNet {
 public:
  using Sink = std::function<void(std::span<const u8>)>;
  /// `to_guest` gets each Ethernet frame for the guest. Fails when a forward's address is bad or its port is taken.
  static Result<std::unique_ptr<UserNet>, UserError> create(const std::vector<HostForward>& forwards, Sink to_guest);
  ~UserNet();
  UserNet(const UserNet&) = delete;
  /// A frame from the guest.
  void send(std::span<const u8> frame);
  /// Looks after sockets and timers without waiting. Call it every few milliseconds.
  void poll();

 private:
  struct State;
  explicit UserNet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace farside::dev::virtio
