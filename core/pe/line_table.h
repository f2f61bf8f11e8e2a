// core/pe/line_table.h - the fast path with modelled caches: lines that the hierarchy has lent, by context and address.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "cache/hierarchy.h"
#include "core/pe/l0.h"
#include "mmu/tlbi.h"

namespace farside::pe {

constexpr u64 kLineBytes = 64;
// Some times as many slots as the caches have lines: two lines in one slot take turns in it.
constexpr unsigned kDataLinesLog2 = 11, kFetchLinesLog2 = 12, kStoreLinesLog2 = 14;

/// One direct-mapped slot: hits when (va ^ tag) <= line size - access size, which also rejects accesses that cross
/// lines.
struct DataLine {
  u64 tag = 0;
  u8* host = nullptr;
};

struct FetchLine {
  u64 tag = 0;
  const u8* host = nullptr;
  const void* code = nullptr;  ///< what a translating engine knows of these bytes at this address; it may be null
  u32 guarded = 0;             ///< BTI applies
  u32 place = 0;               ///< in the L1I
};

/// Lines that loads, stores and fetches may use directly under one translation of addresses.
struct LineContext {
  using DataTable = std::array<DataLine, usize{1} << kDataLinesLog2>;
  using FetchTable = std::array<FetchLine, usize{1} << kFetchLinesLog2>;
  template <class Table>
  static constexpr usize index_in(const Table& table, u64 va) {
    return (va / kLineBytes) & (table.size() - 1);
  }

  using StoreTable = std::array<DataLine, usize{1} << kStoreLinesLog2>;
  using PageTable = std::array<L0Entry, usize{1} << kL0Log2>;

  DataTable read, write;
  FetchTable fetch;
  /// Of whole pages (cache::PageInfo), whose bytes are where RAM is: pages for loads, lines for stores.
  PageTable loads;
  StoreTable stores;
  L0Key key{};
  u32 number = 0;  ///< among the contexts of the core
  u64 last_used = 0;
  u64 fetches = 0;  ///< the hierarchy's number for this context (cache::Hierarchy::forget_fetched); 0: none yet
  bool live = false;
  std::array<u64, 16> pages{};  ///< one hashed bit for each page that may have lines here

  FetchLine* find_fetch(u64 va) {
    FetchLine& slot = fetch[index_in(fetch, va)];
    return (va ^ slot.tag) < kLineBytes ? &slot : nullptr;
  }
  void clear();
  void clear_page(u64 va);
};

/// Host address of an access that a known line serves, or null.
template <class Table>
u8* find_line(const Table& table, u64 va, unsigned size) {
  const DataLine& slot = table[LineContext::index_in(table, va)];
  const u64 offset = va ^ slot.tag;
  return offset <= kLineBytes - size ? slot.host + offset : nullptr;
}

/// The same for a load from a known page.
inline u8* find_page(const LineContext::PageTable& table, u64 va, unsigned size) {
  const L0Entry& entry = table[L0Context::index(va)];
  const u64 offset = va ^ entry.tag;
  return offset <= kL0PageSize - size ? entry.host + offset : nullptr;
}

/// All contexts of one core, and for each line that is lent the slots that point to it: a data line lent at a second
/// address, or in a second context, leaves the first. Instructions of one address may be lent in many contexts.
class LineTables {
 public:
  /// The context for `key`, created empty if there is none: `select` does not look at translations.
  LineContext& select(const L0Key& key);
  /// The context for `key`, if there is one. It is not younger for that.
  LineContext* find(const L0Key& key) const;
  /// Forgets what a TLB invalidation by VA or ASID, or of more, makes invalid. The context in use may be gone then:
  /// select must be called before the next probe.
  void invalidate(const mmu::TlbiOp& op);
  /// Retires every context, and forgets all lines: they were another core's.
  void clear();
  /// The line at `place` of its cache is lent for accesses to the line of `va`. `size_log2`: of the mapping.
  void insert_read(LineContext& context, u64 va, u8* host, u32 place, unsigned size_log2);
  void insert_write(LineContext& context, u64 va, u8* host, u32 place, unsigned size_log2);
  /// `alone`: other contexts lose the line.
  void insert_fetch(LineContext& context, u64 va, const u8* host, bool guarded, u32 place, unsigned size_log2,
                    bool alone);
  /// Loads from all of the page of `va` are served at `page`, stores to the line of `va` at `line`. A page that is
  /// known at a second address leaves the first. `place`: cache::whole_place.
  void insert_page(LineContext& context, u64 va, u8* page, u32 place, unsigned size_log2);
  void insert_store(LineContext& context, u64 va, u8* line, u32 place, unsigned size_log2);
  /// Forgets the lines of `lines` for stores to the page at `page` and, if `loads`, the page for loads.
  void withdraw_page(const u8* page, u32 place, u64 lines, bool loads);
  void withdraw_read(u32 place);
  void withdraw_write(u32 place);
  void withdraw_fetch(u32 place);
  /// What the engine knows of a line stays as long as the line is not withdrawn, wherever it is looked up.
  void set_code(FetchLine& line, const void* code);
  /// The engine forgets its translations.
  void forget_code();
  /// snapshot.cpp: the lines are in the caches of `core`, where what is lent has been restored already.
  void visit_state(StateVisitor& visitor, cache::Hierarchy& caches, u32 core);
  LineContext* visit_context(StateVisitor& visitor, LineContext* context);

 private:
  static constexpr usize kContexts = 16;
  template <class Slot>
  struct Owner {
    Slot* slot = nullptr;
    const u8* host = nullptr;  ///< what the slot holds as long as it is this line's
  };
  /// What is known of a line in the L1I, until it is withdrawn.
  struct Fetched {
    u64 va = 0;
    const u8* host = nullptr;
    const void* code = nullptr;
    u32 contexts = 0;  ///< by number, one bit each: their slots of this address may hold the line
    bool guarded = false;
  };
  /// Where a whole page is known.
  struct Whole {
    u64 va = 0;
    u8* page = nullptr;
    u32 contexts = 0;  ///< by number, one bit each
  };
  Whole& whole_at(LineContext& context, u64 va, u8* page, u32 place);
  void visit_whole(StateVisitor& visitor, LineContext& context);
  Fetched* fetched_at(u32 place);
  void empty_slots(const Whole& whole, u64 lines, bool loads);
  template <class Slot>
  static void withdraw(std::vector<Owner<Slot>>& owners, u32 place);
  template <class Slot>
  static void own(std::vector<Owner<Slot>>& owners, u32 place, Slot& slot);
  void empty_slots(Fetched& line);
  void retire();
  void note_page(LineContext& context, u64 va, unsigned size_log2);

  /// Those that have been used.
  std::span<LineContext> contexts() const { return memory_.all().first(used_); }

  HostArray<LineContext> memory_{kContexts, HostPages::Huge};
  usize used_ = 0;
  std::vector<Owner<DataLine>> readers_, writers_;  ///< by place in the L1D
  std::vector<Fetched> fetched_;                    ///< by place in the L1I
  std::vector<Whole> whole_;                        ///< by cache::whole_place
  std::vector<Fetched> fetched_whole_;              ///< by cache::whole_code_place, less the first
  LargeMappings large_;
  u64 tick_ = 0;
};

}  // namespace farside::pe
