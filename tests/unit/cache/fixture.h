// tests/unit/cache/fixture.h - a small machine of caches and RAM without cores, and words for what software does to it.
#pragma once
#include <cstring>
#include <vector>

#include "cache/hierarchy.h"
#include "tests/unit/catch.h"

namespace farside::cache {

constexpr MemAttr kWb = kWriteBackIsh;
constexpr MemAttr kNc = normal_attr(kNonCacheable, kNonCacheable, Shareability::Outer);
constexpr MemAttr kWt = normal_attr(kWriteThroughRa, kWriteThroughRa, Shareability::Outer);
constexpr MemAttr kOff = device_attr(MemType::Device_nGnRnE);
constexpr MemAttr kWbNsh = normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Non);

constexpr u64 kRam = 0x4000'0000;
constexpr Pa kX{kRam + 0x1000};

/// RAM of a few pages at kRam.
class FakeRam : public Backing {
 public:
  explicit FakeRam(unsigned pages = 16) : bytes_(pages * 4096) {}
  u8* ram_page(Pa page) override {
    const u64 offset = page.value - kRam;
    return offset < bytes_.size() ? bytes_.data() + offset : nullptr;
  }
  u8& at(Pa pa) { return bytes_[pa.value - kRam]; }

 private:
  std::vector<u8> bytes_;
};

/// Applies assignments `name=value`.
inline Knobs with(Knobs knobs, std::initializer_list<std::string_view> assignments) {
  for (std::string_view assignment : assignments) {
    INFO(assignment);
    const usize equals = assignment.find('=');
    const auto done = set_knob(knobs, assignment.substr(0, equals), assignment.substr(equals + 1));
    REQUIRE(done.ok());
    REQUIRE(*done);
  }
  return knobs;
}

inline Knobs knobs_of(std::string_view profile_name, std::initializer_list<std::string_view> assignments = {}) {
  return with(*profile(profile_name), assignments);
}

/// Silicon that does nothing unasked, so that a test says everything that happens.
inline Knobs quiet(std::initializer_list<std::string_view> assignments = {}) {
  Knobs knobs;
  knobs.model = Switch::On;
  return with(knobs, assignments);
}

inline Config tiny() { return *parse_config("name tiny\nl1i 512 2\nl1d 512 2\nl2 2K 4\nicache pipt\n", "tiny"); }

/// Two cores, a host core, RAM, and the reports so far.
struct Machine {
  explicit Machine(const Knobs& knobs = quiet(), const Config& config = *preset("cortex-a57"), u64 seed = 1)
      : caches(config, knobs, 2, ram, seed) {
    caches.sanitizer().set_callback([this](const Report& report) { reports.push_back(report); });
  }
  AccessInfo by(const MemAttr& attr, u64 pc = 0, u32 core = 0) const {
    AccessInfo info;
    info.core = core;
    info.attr = attr;
    info.pc = pc;
    return info;
  }
  u64 load(const MemAttr& attr, Pa pa = kX, u32 core = 0, u64 pc = 0x100) {
    u8 bytes[8];
    REQUIRE(caches.read(by(attr, pc, core), pa, bytes));
    return value_of(bytes);
  }
  void store(const MemAttr& attr, u64 value, Pa pa = kX, u32 core = 0, u64 pc = 0x200) {
    u8 bytes[8];
    std::memcpy(bytes, &value, 8);
    REQUIRE(caches.write(by(attr, pc, core), pa, bytes));
  }
  u32 fetch(const MemAttr& attr, Pa pa = kX, u32 core = 0, u64 pc = 0x300, u64 va = 0, u16 vmid = 0) {
    AccessInfo info = by(attr, pc, core);
    info.kind = AccessKind::Fetch;
    info.va = va == 0 ? pa.value : va;
    info.vmid = vmid;
    const auto word = caches.fetch(info, pa);
    REQUIRE(word.has_value());
    return *word;
  }
  u64 walk(const MemAttr& attr, Pa pa = kX) {
    AccessInfo info = by(attr, 0x400);
    info.kind = AccessKind::Walk;
    u8 bytes[8];
    REQUIRE(caches.read(info, pa, bytes));
    return value_of(bytes);
  }
  void host_store(u64 value, Pa pa = kX) {
    u8 bytes[8];
    std::memcpy(bytes, &value, 8);
    REQUIRE(caches.host_write(pa, bytes, 0x500));
  }
  u64 host_load(Pa pa = kX) {
    u8 bytes[8];
    REQUIRE(caches.host_read(pa, bytes, 0x600));
    return value_of(bytes);
  }
  u64 dma_read(Pa pa = kX, bool coherent = false) {
    u8 bytes[8];
    REQUIRE(caches.read(dma(coherent), pa, bytes));
    return value_of(bytes);
  }
  void dma_write(u64 value, Pa pa = kX, bool coherent = false) {
    u8 bytes[8];
    std::memcpy(bytes, &value, 8);
    REQUIRE(caches.write(dma(coherent), pa, bytes));
  }
  u64 peek(View view, Pa pa = kX, u32 core = 0) const {
    u8 bytes[8];
    REQUIRE(caches.peek(pa, bytes, view, core));
    return value_of(bytes);
  }
  void dc(Action action, Point point = Point::PoC, Pa pa = kX, u32 core = 0, Scope scope = Scope::InnerShareable) {
    caches.apply(CacheOpByPa{.action = action, .point = point, .scope = scope, .base = pa}, core);
  }
  void civac(Pa pa = kX, u32 core = 0) { dc(Action::CleanInvalidate, Point::PoC, pa, core); }
  void ivac(Pa pa = kX, u32 core = 0) { dc(Action::Invalidate, Point::PoC, pa, core); }
  void cvac(Pa pa = kX, u32 core = 0) { dc(Action::Clean, Point::PoC, pa, core); }
  void cvau(Pa pa = kX, u32 core = 0) { dc(Action::Clean, Point::PoU, pa, core); }
  void ivau(Pa pa = kX, u32 core = 0) {
    caches.apply(CacheOpByPa{.instruction = true, .action = Action::Invalidate, .point = Point::PoU, .base = pa}, core);
  }
  void dsb(u32 core = 0) { caches.barrier(core, Barrier::Dsb); }
  void isb(u32 core = 0) { caches.barrier(core, Barrier::Isb); }
  /// The findings that are errors, in order.
  std::vector<Finding> errors() const {
    std::vector<Finding> out;
    for (const Report& report : reports) {
      if (!is_advisory(report.finding)) out.push_back(report.finding);
    }
    return out;
  }
  void set_memory(u64 value, Pa pa = kX) { std::memcpy(&ram.at(pa), &value, 8); }
  u64 memory(Pa pa = kX) {
    u64 value;
    std::memcpy(&value, &ram.at(pa), 8);
    return value;
  }

  FakeRam ram;
  std::vector<Report> reports;
  Hierarchy caches;

 private:
  static u64 value_of(const u8 (&bytes)[8]) {
    u64 value;
    std::memcpy(&value, bytes, 8);
    return value;
  }
  static AccessInfo dma(bool coherent) {
    AccessInfo info;
    info.kind = AccessKind::Dma;
    info.coherent_dma = coherent;
    info.pc = 0xd3a;
    return info;
  }
};

using Errors = std::vector<Finding>;

}  // namespace farside::cache
