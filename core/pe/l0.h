// core/pe/l0.h - the one fast path to memory: translated pages per context, probed by interpreter and JIT alike.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "core/base/addr.h"

namespace farside::pe {

/// One direct-mapped slot: hits when (va ^ tag) <= page size - access size, which also rejects page-crossing accesses.
struct L0Entry {
  u64 tag = kInvalid;
  u8* host = nullptr;  ///< host address of the first byte of the page
  static constexpr u64 kInvalid = ~u64{0} << 12 ^ (u64{1} << 56);  ///< no canonical or tagged address matches it
};

constexpr unsigned kL0Log2 = 10;
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
  std::array<L0Entry, 1u << kL0Log2> read, write;
  static constexpr usize index(u64 va) { return (va >> 12) & ((1u << kL0Log2) - 1); }
  void clear();
  void clear_page(u64 va);
};

/// A least-recently-used pool of contexts. Switching context is a lookup; nothing is flushed.
class L0 {
 public:
  explicit L0(unsigned contexts = 16);
  /// The context for `key`, created empty if there is none.
  L0Context& select(const L0Key& key);
  /// Forgets every page of every context.
  void clear_all();
  /// Forgets the page of `va` in every context.
  void clear_page(Va va);
  /// Forgets write permission to the host page: the next store takes the slow path.
  void revoke_write(const u8* host_page);
  void insert_read(L0Context& context, Va va, u8* host_page) { set(context.read, va, host_page); }
  void insert_write(L0Context& context, Va va, u8* host_page) { set(context.write, va, host_page); }

  struct Counters {
    u64 context_switches = 0, context_misses = 0, clears = 0, page_clears = 0;
  } counters;

 private:
  static void set(std::array<L0Entry, 1u << kL0Log2>& table, Va va, u8* host_page) {
    table[L0Context::index(va.value)] = {va.value & ~(kL0PageSize - 1), host_page};
  }
  std::vector<std::unique_ptr<L0Context>> contexts_;
  u64 tick_ = 0;
};

}  // namespace farside::pe
