// core/pe/l0.h - the one fast path to memory: translated pages per context, probed by interpreter and JIT alike.
#pragma once
#include <array>
#include <span>

#include "core/base/addr.h"
#include "core/base/host_memory.h"
#include "core/base/state.h"
#include "core/pe/code_watch.h"

namespace farside::pe {

/// One direct-mapped slot: hits when (va ^ tag) <= page size - access size, which also rejects page-crossing accesses.
struct L0Entry {
  u64 tag = 0;
  u8* host = nullptr;  ///< host address of the first byte of the page
};

constexpr unsigned kL0Log2 = 12;
constexpr u64 kL0PageSize = 4096;

/// What decides a translation beside the address: another value of any of these is another context.
struct L0Key {
  u64 epoch = 0;  ///< counts changes of translation control registers
  u16 asid = 0, vmid = 0;
  u8 el = 0;
  bool pan = false;
  friend bool operator==(const L0Key&, const L0Key&) = default;
};

/// Read, write and fetch permissions are three tables, so a probe needs no permission check.
struct L0Context {
  L0Key key{};
  u64 last_used = 0;
  bool live = false;
  std::array<L0Entry, 1u << kL0Log2> read, write, fetch;  ///< a guarded page (BTI) has bit 0 of fetch.host set
  /// Pages whose accesses must be aligned (Device memory that is RAM, SCTLR_ELx.A), probed after `read` and `write`.
  std::array<L0Entry, 256> aligned_read, aligned_write;
  static constexpr usize aligned_index(u64 va) { return (va >> 12) & 255; }
  static constexpr usize index(u64 va) { return (va >> 12) & ((1u << kL0Log2) - 1); }
  /// An entry that no probe of `slot` can match: its tag belongs to another slot.
  static constexpr L0Entry empty(usize slot) { return {slot == 0 ? kL0PageSize : 0, nullptr}; }
  void clear();
  void clear_page(u64 va);
};

/// Which 2 MiB and 1 GiB regions may hold pages of larger mappings: one hashed bit each. An invalidation of any address
/// in such a mapping must find all its pages.
class LargeMappings {
 public:
  void note(u64 va, unsigned size_log2);
  bool may_hold(u64 va) const;
  void clear() { *this = {}; }
  void visit_state(StateVisitor& visitor);

 private:
  static constexpr usize kRegionBits = 1024;
  static usize region_bit(u64 region) { return (region * 0x9e3779b97f4a7c15) >> 54; }
  std::array<u64, kRegionBits / 64> large_2m_{}, large_1g_{};
};

/// A least-recently-used pool of contexts. Switching context is a lookup; nothing is flushed.
class L0 {
 public:
  explicit L0(unsigned contexts = 16);
  /// The context for `key`, created empty if there is none.
  L0Context& select(const L0Key& key);
  /// Retires every context: the pages are forgotten, and select must be called before the next probe.
  void clear_all();
  /// Forgets a range of addresses in every context; returns true if contexts were retired as by clear_all.
  bool clear_range(u64 va, u64 size);
  /// Forgets every entry for writing to `host_page`.
  void revoke_write(const u8* host_page);
  /// Forgets every entry whose page lies in `memory`.
  void forget(std::span<const u8> memory);
  /// A page about to be inserted belongs to a mapping of 2^size_log2 bytes: an invalidation of any address in that
  /// mapping must find the page.
  void note_size(u64 va, unsigned size_log2) { large_.note(va, size_log2); }
  void insert_read(L0Context& context, Va va, u8* host_page) { set(context.read, va, host_page); }
  void insert_write(L0Context& context, Va va, u8* host_page) { set(context.write, va, host_page); }

  void insert_fetch(L0Context& context, Va va, const u8* host_page, bool guarded) {
    set(context.fetch, va, const_cast<u8*>(host_page) + guarded);
  }

  /// Visits every known page by its place in RAM; `watch`, if any, hears of those that may be written. Pages of
  /// instructions are `code_distance` bytes behind that place.
  void visit_state(StateVisitor& visitor, CodeWatch* watch, i64 code_distance);
  L0Context* visit_context(StateVisitor& visitor, L0Context* context);

  struct Counters {
    u64 context_switches = 0, context_misses = 0, clears = 0, page_clears = 0;
  } counters;

 private:
  static void set(std::array<L0Entry, 1u << kL0Log2>& table, Va va, u8* host_page) {
    table[L0Context::index(va.value)] = {va.value & ~(kL0PageSize - 1), host_page};
  }
  HostArray<L0Context> memory_;
  std::span<L0Context> contexts_ = memory_.all();
  LargeMappings large_;  ///< cleared with the contexts
  u64 tick_ = 0;
};

}  // namespace farside::pe
