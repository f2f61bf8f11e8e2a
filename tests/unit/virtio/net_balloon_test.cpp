// tests/unit/virtio/net_balloon_test.cpp - frames in and out, the user-space network behind them, and the balloon.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "core/base/chance.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/net.h"
#include "devices/virtio/user_net.h"
#include "tests/unit/virtio/guest_driver.h"

using namespace farside;
using namespace farside::dev;
using namespace farside::dev::virtio;

namespace {

constexpr u16 kWrite = 2;
using Frame = std::vector<u8>;

struct NetBench {
  std::vector<Frame> sent;
  Bench<Net> b;
  NetBench() {
    b.device.set_sink([this](std::span<const u8> frame) { sent.emplace_back(frame.begin(), frame.end()); });
  }
  bool send(const Frame& frame) {
    std::memset(&b.memory.bytes[b.kData - TestMemory::kBase], 0, 12);
    std::memcpy(&b.memory.bytes[b.kData + 12 - TestMemory::kBase], frame.data(), frame.size());
    return b.submit({{b.kData, 12}, {b.kData + 12, static_cast<u32>(frame.size())}}, 1);
  }
  void give_buffer(u16 head, u32 size = 1600) {
    b.q(0).set(head, {b.kData + 0x1'0000 + 0x1000 * u64{head}, size, kWrite});
    b.q(0).offer(head);
    b.kick(0);
  }
  Frame buffer(u16 head, usize size) { return b.memory.copy(b.kData + 0x1'0000 + 0x1000 * u64{head}, size); }
};

/// Who has 10.0.2.2? Asks 52:54:00:12:34:56 at 10.0.2.15.
Frame arp_request() {
  return {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x08, 0x06, 0, 1, 8, 0,  6, 4, 0,
          1,    0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 10,   0,    2,    15,   0,    0,    0,    0, 0, 0, 10, 0, 2, 2};
}

void put_big_endian(Frame& frame, usize at, u64 value, usize bytes) {
  for (usize i = 0; i < bytes; ++i) frame[at + i] = static_cast<u8>(value >> (8 * (bytes - 1 - i)));
}

u64 big_endian(const Frame& frame, usize at, usize bytes) {
  u64 value = 0;
  for (usize i = 0; i < bytes; ++i) value = value << 8 | frame[at + i];
  return value;
}

/// The Internet checksum of [from, end of frame), beginning with `sum`.
u16 checksum(const Frame& frame, usize from, u32 sum = 0) {
  for (usize at = from; at < frame.size(); ++at) sum += at % 2 == from % 2 ? frame[at] << 8 : frame[at];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<u16>(~sum);
}

/// A TCP segment of the guest, 10.0.2.15 port 1000, for 10.0.2.2.
Frame segment(u16 port, u32 sequence, u32 acknowledged, u8 flags, std::string_view text = "") {
  Frame frame{0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0, 0x45};
  frame.resize(54);
  put_big_endian(frame, 22, 64 << 8 | 6, 2);  // time to live, TCP
  put_big_endian(frame, 26, 0x0a00'020f'0a00'0202, 8);
  put_big_endian(frame, 16, 40 + text.size(), 2);
  Frame ip(frame.begin() + 14, frame.begin() + 34);
  put_big_endian(frame, 24, checksum(ip, 0), 2);
  put_big_endian(frame, 34, u64{1000} << 16 | port, 4);
  put_big_endian(frame, 38, sequence, 4);
  put_big_endian(frame, 42, acknowledged, 4);
  put_big_endian(frame, 46, 5 << 12 | flags, 2);
  put_big_endian(frame, 48, 8192, 2);
  frame.insert(frame.end(), text.begin(), text.end());
  // The addresses count, too: 26 is where they begin.
  put_big_endian(frame, 50, checksum(frame, 26, static_cast<u32>(6 + 20 + text.size())), 2);
  return frame;
}

}  // namespace

TEST_CASE("The card has QEMU's address and a link") {
  NetBench n;
  n.b.start();
  CHECK(n.b.io.rd(0x100) == 0x12005452);
  CHECK((n.b.io.rd(0x104) & 0xffff) == 0x5634);
  CHECK((n.b.io.rd(0x106) & 0xffff) == 1);
}

TEST_CASE("Frames of the guest leave without the header; too short and too long ones do not") {
  NetBench n;
  n.b.start();
  Frame frame(60);
  for (usize i = 0; i < frame.size(); ++i) frame[i] = static_cast<u8>(i);
  CHECK(n.send(frame));
  REQUIRE(n.sent.size() == 1);
  CHECK(n.sent[0] == frame);
  CHECK(n.send(Frame(13)));
  CHECK(n.send(Frame(1523)));
  CHECK(n.sent.size() == 1);
  CHECK(n.send(Frame(1522)));
  CHECK(n.sent.size() == 2);
  CHECK_FALSE(n.b.submit({{n.b.kData, 11}}, 1));
  CHECK(n.b.broken());
}

TEST_CASE("What the header asks for and nobody has offered is not done") {
  NetBench n;
  n.b.start();
  const Frame frame = arp_request();
  CHECK(n.send(frame));
  // NEEDS_CSUM, GSO of another protocol, enormous lengths and many buffers.
  std::memset(&n.b.memory.bytes[n.b.kData - TestMemory::kBase], 0xff, 12);
  CHECK(n.b.submit({{n.b.kData, 12}, {n.b.kData + 12, static_cast<u32>(frame.size())}}, 1));
  CHECK(n.sent == std::vector<Frame>{frame, frame});
}

TEST_CASE("Frames for the guest come with a header that counts one buffer; they wait for room") {
  NetBench n;
  n.b.start();
  n.b.device.receive(Frame(60, 7));
  n.b.device.receive(Frame(64, 8));
  n.give_buffer(0);
  CHECK(n.b.q(0).used_length(0) == 72);
  Frame expected(12);
  expected[10] = 1;
  CHECK(n.buffer(0, 12) == expected);
  CHECK(n.buffer(0, 72)[71] == 7);
  n.give_buffer(1);
  CHECK(n.b.q(0).used_length(1) == 76);
  n.give_buffer(2);
  CHECK(n.b.q(0).used_idx() == 2);
}

TEST_CASE("A flood is dropped from the front, and frames before the driver are not kept") {
  NetBench n;
  n.b.device.receive(Frame(60, 1));
  n.b.start();
  for (int i = 0; i < 1000; ++i) n.b.device.receive(Frame(60, static_cast<u8>(i)));
  n.give_buffer(0);
  CHECK(n.buffer(0, 13)[12] == static_cast<u8>(1000 - 256));
}

TEST_CASE("A receive buffer too small for a frame breaks the device") {
  NetBench n;
  n.b.start();
  n.give_buffer(0, 71);
  n.b.device.receive(Frame(60));
  CHECK(n.b.broken());
  n.b.start();
  CHECK_FALSE(n.b.broken());
}

TEST_CASE("Waiting frames survive a snapshot") {
  NetBench a, b;
  a.b.start();
  a.b.device.receive(Frame(60, 9));
  b.b.memory.bytes = a.b.memory.bytes;
  restore(b.b.slot, save(a.b.slot));
  b.give_buffer(0);
  CHECK(b.buffer(0, 13)[12] == 9);
}

TEST_CASE("The user-space network answers for its host address") {
  std::vector<Frame> received;
  auto net = UserNet::create({}, [&](std::span<const u8> frame) { received.emplace_back(frame.begin(), frame.end()); });
  REQUIRE(net.ok());
  (*net)->send(arp_request());
  (*net)->poll();
  REQUIRE(received.size() == 1);
  CHECK(received[0][21] == 2);  // a reply
  CHECK(Frame(received[0].begin() + 28, received[0].begin() + 32) == Frame{10, 0, 2, 2});
}

TEST_CASE("A guest that sends to a peer which has gone does not end the run") {
  constexpr u8 kSyn = 2, kPush = 8, kAck = 16;
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(server, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(listen(server, 1) == 0);
  REQUIRE(getsockname(server, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const u16 port = ntohs(address.sin_port);
  std::vector<Frame> received;
  auto net = UserNet::create({}, [&](std::span<const u8> frame) { received.emplace_back(frame.begin(), frame.end()); });
  REQUIRE(net.ok());
  (*net)->send(arp_request());
  (*net)->send(segment(port, 100, 0, kSyn));
  const int peer = accept(server, nullptr, nullptr);
  REQUIRE(peer >= 0);
  (*net)->poll();
  REQUIRE(received.back().size() >= 54);
  REQUIRE((received.back()[47] & (kSyn | kAck)) == (kSyn | kAck));
  const u32 theirs = static_cast<u32>(big_endian(received.back(), 38, 4)) + 1;
  (*net)->send(segment(port, 101, theirs, kAck));
  (*net)->send(segment(port, 101, theirs, kAck | kPush, "heard"));
  char heard[6] = {};
  CHECK(recv(peer, heard, 5, 0) == 5);
  CHECK(std::string(heard) == "heard");
  close(peer);
  // The first is answered with a reset; the second would raise SIGPIPE.
  for (u32 i = 0; i < 3; ++i) (*net)->send(segment(port, 106 + 4 * i, theirs, kAck | kPush, "lost"));
  (*net)->poll();
  close(server);
}

TEST_CASE("Nonsense from the guest does not disturb the network") {
  auto net = UserNet::create({}, [](std::span<const u8>) {});
  REQUIRE(net.ok());
  Chance chance(1, "frames");
  for (int i = 0; i < 20'000; ++i) {
    Frame frame = arp_request();
    frame.resize(14 + chance.below(200));
    for (usize at = 12; at < frame.size(); ++at) frame[at] = static_cast<u8>(chance.next());
    frame[12] = 8, frame[13] = chance.one_in(2) ? 0 : 6;
    if (frame.size() > 14) frame[14] = 0x45;
    (*net)->send(frame);
  }
  (*net)->poll();
}

TEST_CASE("A forwarded port listens on the loopback interface; a port that is taken is an error") {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(taken, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(taken, 1) == 0);
  socklen_t length = sizeof address;
  REQUIRE(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  HostForward forward;
  forward.host_port = ntohs(address.sin_port);
  forward.guest_port = 22;
  const auto refused = UserNet::create({forward}, [](std::span<const u8>) {});
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("cannot listen on 127.0.0.1"));
  close(taken);
  const auto free_again = UserNet::create({forward}, [](std::span<const u8>) {});
  CHECK(free_again.ok());
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  close(client);
  forward.host_address = "localhost";
  CHECK_FALSE(UserNet::create({forward}, [](std::span<const u8>) {}).ok());
}

TEST_CASE("The balloon gives pages back to the host, neighbours together") {
  TestMemory host;
  Bench<Balloon> b(host);
  b.start();
  const u32 frames[] = {0x40010, 0x40011, 0x40012, 0x40020};
  for (u32 i = 0; i < 4; ++i) b.memory.put<u32>(b.kData + 4 * i, frames[i]);
  CHECK(b.submit({{b.kData, 16}}, 0));
  CHECK(host.discarded == std::vector<std::pair<u64, u64>>{{0x4001'0000, 0x3000}, {0x4002'0000, 0x1000}});
  CHECK(b.submit({{b.kData, 16}}, 1));  // deflating needs nothing from the host
  CHECK(host.discarded.size() == 2);
}

TEST_CASE("The balloon asks the host for no page that the guest has not named, and for a limited number") {
  TestMemory host;
  Bench<Balloon> b(host);
  b.start();
  const u32 frames[] = {0xffffffff, 0, 0, 0x40010, 0x40010, 0x4000f};
  for (u32 i = 0; i < 6; ++i) b.memory.put<u32>(b.kData + 4 * i, frames[i]);
  CHECK(b.submit({{b.kData, 23}}, 0));  // half a number is none
  using Ranges = std::vector<std::pair<u64, u64>>;
  CHECK(host.discarded ==
        Ranges{{0xfff'ffff'f000, 0x1000}, {0, 0x1000}, {0, 0x1000}, {0x4001'0000, 0x1000}, {0x4001'0000, 0x1000}});
  host.discarded.clear();
  for (u32 i = 0; i < 4096; ++i) b.memory.put<u32>(b.kData + 4 * i, 2 * i);
  CHECK(b.submit({{b.kData, 4 * 4096}}, 0));
  CHECK(host.discarded.size() == 1024);
}

TEST_CASE("A new target is told to the driver, whose answer is kept") {
  TestMemory host;
  Bench<Balloon> b(host);
  b.start();
  b.device.set_target(512);
  CHECK(b.io.rd(0x60) == 2);
  CHECK(b.io.rd(0x100) == 512);
  b.io.wr(0x104, 300);
  CHECK(b.device.actual() == 300);
  b.io.wr(0x100, 1);  // the target is ours
  CHECK(b.device.target() == 512);
}
