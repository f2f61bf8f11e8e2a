// cache/hierarchy.h - the caches of all cores as one object: every access and
// every maintenance operation goes here.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cache/cache.h"
#include "cache/directory.h"
#include "cache/fetch_buffer.h"
#include "cache/kept_images.h"
#include "cache/knobs.h"
#include "cache/op.h"
#include "cache/port.h"
#include "cache/sanitizer.h"
#include "cache/shared_cache.h"
#include "core/base/chance.h"

namespace farside::cache {

/// Counts of maintenance, for --stats and for comparing policies. Bytes are
/// what the operations covered.
struct MaintenanceCounts {
  u64 clean = 0, invalidate = 0,
      clean_invalidate = 0;  ///< data operations by address
  u64 instruction = 0;       ///< IC IVAU
  u64 instruction_all = 0;   ///< IC IALLU, IALLUIS
  u64 set_way = 0;
  u64 bytes = 0;
  u64 lines_cleaned = 0,
      lines_invalidated = 0;  ///< lines that were there and were written back or dropped
};

enum class Barrier : u8 { Dmb, Dsb, Isb };

/// What barriers of one core leave behind. Where `calls` is false an ISB does nothing but write last_isb, and other
/// barriers nothing: what translated code may do itself.
struct Order {
  bool calls = true;
  const u64* events = nullptr;  ///< the count of events of the history
  u64 last_isb = 0;             ///< event count at the last ISB
  u64 stores_complete = 0;      ///< event count: older stores of this core have been seen by all
};

/// A pointer to the 64 bytes of a line, valid until
/// LineListener::line_withdrawn. Reads through it see what read() would; writes
/// are allowed only with `writable`. Null `data`: the access must come here
/// each time.
struct LinePointer {
  u8* data = nullptr;
  bool writable = false;
  u32 place = 0;  ///< number of the place in the core's cache that the line has while it is lent
  /// Of a whole page (PageInfo): all of its memory, for loads. `data` leads there too, and `place` is whole_place().
  u8* page = nullptr;
};

/// Whose view peek shows. Cached: what a coherent cacheable read by `core`
/// would return.
enum class View : u8 { Cached, Memory, Unification, Golden };

/// One copy of a line, for explanations.
struct Copy {
  Level level = Level::Memory;
  u32 core = 0;
  State state = State::Invalid;
  u64 dirty = 0;
  std::array<u8, kLine> data{};
};

/// The caches of `cores` processors and of one more core, host_core(), on which
/// the VMM and the hypervisor run. Without a model (default constructed, or
/// Knobs::model off) operations are counted and accesses go to memory.
class Hierarchy {
 public:
  static constexpr u64 kLine = cache::kLine;
  static constexpr unsigned kMaxCores = 31;  ///< beside the host core

  Hierarchy() = default;
  /// `config` must satisfy validate(), `cores` be 1..kMaxCores; `backing`
  /// outlives this. All decisions come from `seed`.
  Hierarchy(const Config& config, const Knobs& knobs, unsigned cores, Backing& backing, u64 seed);
  Hierarchy(const Hierarchy&) = delete;
  Hierarchy& operator=(const Hierarchy&) = delete;
  void set_listener(LineListener* listener) { listener_ = listener; }

  /// Whether caches are modelled at all.
  bool modelled() const { return knobs_.model == Switch::On; }
  unsigned cores() const { return cores_; }
  unsigned host_core() const { return cores_; }
  const Config& config() const { return config_; }
  const Knobs& knobs() const { return knobs_; }

  // Accesses. They may cross lines, not leave RAM: false means that not all
  // bytes are RAM, and nothing was accessed.
  bool read(const AccessInfo& info, Pa pa, std::span<u8> out);
  bool write(const AccessInfo& info, Pa pa, std::span<const u8> in);
  /// The instruction at `pa` (aligned to 4); nothing when it is not RAM.
  /// AccessInfo::va is the index where that matters.
  std::optional<u32> fetch(const AccessInfo& info, Pa pa);
  /// Compares `expected.size()` (1..16, within a line) bytes and stores
  /// `desired` if they are equal. `seen` gets what was there. False when it is
  /// not RAM.
  bool compare_exchange(const AccessInfo& info, Pa pa, std::span<const u8> expected, std::span<const u8> desired,
                        std::span<u8> seen);
  /// DC ZVA: 64 zero bytes at the line of `pa`.
  bool zero_line(const AccessInfo& info, Pa pa);
  /// The VMM's and the hypervisor's accesses: write-back Inner Shareable, on
  /// the host core. `pc` names the caller in reports.
  bool host_read(Pa pa, std::span<u8> out, u64 pc = 0);
  bool host_write(Pa pa, std::span<const u8> in, u64 pc = 0);

  // Pointers for a fast path. Null data whenever an access by pointer could
  // miss a report or an effect.
  /// The data line of `pa` for `info.core`, filled if necessary as the access
  /// itself would.
  LinePointer line_pointer(const AccessInfo& info, Pa pa, bool for_write);
  /// read() or write() of bytes of RAM within a line, and line_pointer() for what follows.
  LinePointer read_and_lend(const AccessInfo& info, Pa pa, std::span<u8> out);
  LinePointer write_and_lend(const AccessInfo& info, Pa pa, std::span<const u8> in);
  /// The instruction line of `pa`.
  const u8* fetch_pointer(const AccessInfo& info, Pa pa);

  // Maintenance. `core` issues; the host core's operations are complete on
  // return, others as the knob completion says.
  void apply(const CacheOpByPa& op, unsigned core = 0);
  void apply(const CacheOpBySetWay& op, unsigned core = 0);
  void apply(const ICacheInvalidateAll& op, unsigned core = 0);
  /// DSB completes the maintenance of `core`, DMB orders its data operations
  /// before later accesses; ISB is what CMODX rules of the sanitizer ask about,
  /// and empties the fetch buffer.
  void barrier(unsigned core, Barrier kind);
  Order& order(unsigned core) { return core_[core].order; }
  /// The translations of `core` have changed, or it has taken an exception or returned from one: it has nothing fetched
  /// ahead, and no pointer of fetch_pointer(). Returns a number for the context that begins.
  u64 forget_fetched(unsigned core);
  /// The same, but the translations are those of a context that forget_fetched() has given this number, and the
  /// pointers of fetch_pointer() that were lent in it are used again. A line is lent in one context at a time.
  void resume_fetching(unsigned core, u64 context);
  /// Says who issues the operations that follow, for reports and histories: the
  /// PE calls it before apply.
  void set_issuer(const AccessInfo& info) { issuer_ = info; }
  /// Cleans and invalidates everything, on all cores (power down, snapshot).
  void flush_all();
  /// Memory was changed behind the model's back (a loader, a snapshot): copies
  /// are dropped, memory is right.
  void adopt(Pa base, u64 size);

  // Choices of silicon.
  /// `instructions` have been executed on `core` since the last call:
  /// speculation and evictions take their chances.
  void speculate(unsigned core, u64 instructions);
  /// How many instructions `core` may execute before speculate() does anything, in multiples of `step`: calling it
  /// after each `step` instructions would do the same, unless LineListener::fetched_ahead comes in between.
  u64 quiet_instructions(unsigned core, u64 step) const;
  /// "Fill line X now": a clean copy into L1D of `core` through some cacheable
  /// alias.
  void speculative_fill(unsigned core, Pa pa);
  /// "Line X leaves all data caches now": dirty bytes are written to memory.
  void evict_line(Pa pa);

  // Looking without touching.
  /// False when not all bytes are RAM. Never fills, never changes anything.
  bool peek(Pa pa, std::span<u8> out, View view, unsigned core = 0) const;
  /// All copies of the line of `pa`, the memory's last.
  std::vector<Copy> copies(Pa pa) const;
  /// Newest events of the line first; the last write is among them even if it has happened so long ago that others are
  /// forgotten.
  std::vector<Event> history(Pa pa, usize limit = 16) const;
  /// The machine's own remark in a line's history (stage-2 map, unmap, trap);
  /// `remark` is the caller's code.
  void note_event(Pa pa, u16 remark, const AccessInfo& by);
  /// The machine's remark on a range of memory.
  void note_range(const RangeEvent& event) {
    if (modelled()) history_.add(event);
  }

  Sanitizer& sanitizer() { return sanitizer_; }
  const Sanitizer& sanitizer() const { return sanitizer_; }
  const MaintenanceCounts& counts() const { return counts_; }
  const Counters& counters(Level level, unsigned core = 0) const;
  /// Whether pages are whole until an access could see a difference (knob pages=whole, PageInfo).
  bool has_whole_pages() const { return kept_ != nullptr; }
  /// Pages that got lines so far.
  u64 pages_split() const { return pages_split_; }
  /// A number that depends on all tags, states and data, fetch buffers and pending maintenance: equal for equal
  /// histories of equal seeds.
  u64 state_hash() const;

  // snapshot.cpp
  /// Everything that decides the future, and what reports tell: restored over memory that has been restored. Pointers
  /// that were lent are lent again, at the same places.
  void visit_state(StateVisitor& visitor);
  /// The number of the place of the line that a pointer leads to: of one lent to `core`.
  /// `pa` tells those of whole pages, which have no line in a cache.
  u32 place_of(unsigned core, Side side, const u8* data, Pa pa = {}) const;
  /// The line at that place, or null if it has not been lent to `core`.
  u8* lent_line(unsigned core, Side side, u32 place, bool for_write);

 private:
  static constexpr usize kMaxPending = 64, kMaxInteresting = 4096;
  struct Core {
    Cache l1d, l1i;
    Chance chance;
    u64 until_fill = 0, until_evict = 0, until_refetch = 0;
    u64 last_miss = 0;
    u64 last_ic_all = 0;  ///< and when the instruction cache was last emptied
    std::vector<CacheOpByPa> pending;
    FetchBuffer ahead;
    u64 fetch_context = 0;  ///< as forget_fetched() has numbered it
    u64 fetched_at = 0;     ///< event count: what this core has fetched so far was there then
    Order order;
  };
  enum class Path : u8 { Cached, Memory, Snoop };  ///< Snoop: sees and updates all copies, allocates nothing
  struct Source {
    const u8* data;  ///< 64 bytes
    Level level;
  };

  /// Runs `visit(offset in access, line, offset in line, bytes)` for each line
  /// of a span that is RAM.
  template <class Visit>
  bool for_each_piece(Pa pa, usize size, Visit visit);

  // hierarchy.cpp
  static PageInfo& page_of(const LineInfo& line) { return Directory::page_of(line); }
  static LinePast& past_of(const LineInfo& line) { return Directory::past_of(line); }
  static unsigned number_of(const LineInfo& line) { return Directory::number_in_page(line); }
  static u64 bit_of(const LineInfo& line) { return u64{1} << number_of(line); }
  static u64 address_of(const LineInfo& line) { return Directory::address_of(line); }
  static u8* memory_of(const LineInfo& line) { return Directory::memory_of(line); }
  bool sanitized() const { return knobs_.sanitizer == Switch::On; }
  Path path_of(const AccessInfo& info, const LineInfo& line, bool write) const;
  void read_line(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<u8> out);
  void write_line(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in);
  void write_cached(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in);
  void write_memory(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in);
  void write_snooping(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in);
  void write_streaming(const AccessInfo& info, LineInfo& line, std::span<const u8> in);
  void golden_write(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in, bool cached);
  void become_writer(const AccessInfo& info, LineInfo& line, bool cached);
  void touch_system_cache(const LineInfo& line);
  void count_in_system_cache(const LineInfo& line);

  // fetch.cpp
  Line& instruction_line(const AccessInfo& info, LineInfo& line);
  Line* find_instruction(const AccessInfo& info, const LineInfo& line);
  Line& fill_instruction(const AccessInfo& info, LineInfo& line, Origin origin);
  Line& put_in_l1i(const AccessInfo& info, LineInfo& line, const u8* data);
  bool sees_newest(const LineInfo& line) const;
  Source instruction_source(const AccessInfo& info, LineInfo& line);
  void refresh_instruction(const AccessInfo& info, LineInfo& line, Line& copy);
  void invalidate_instruction(LineInfo& line, u32 cores, const CacheOpByPa* op, const AccessInfo& by);
  void drop_instruction(unsigned core, Line& copy);
  u64 instruction_index(u64 pa, u64 va) const;
  void note_fetch(const AccessInfo& info, const LineInfo& line);

  // fetch_ahead.cpp
  u64 last_old_fetch(unsigned core, const FetchedAhead& ahead) const;
  void keep_fetched(LineInfo& line);
  const FetchedAhead* fetched_ahead(unsigned core, const LineInfo& line) const;
  const FetchedAhead* take_ahead(unsigned core, const LineInfo& line);
  void synchronize(unsigned core);
  template <class Visit>
  void for_each_instruction_copy(unsigned core, const LineInfo& line, Visit visit);

  // coherence.cpp
  /// The copy in the L1D of a core that has one.
  Line& l1d_copy(unsigned core, const LineInfo& line) { return *core_[core].l1d.find(address_of(line)); }
  const Line& l1d_copy(unsigned core, const LineInfo& line) const { return *core_[core].l1d.find(address_of(line)); }
  /// The copy in the L2, or null.
  Way* l2_copy(const LineInfo& line) {
    return line.l2 == 0 ? nullptr : &l2_.at(l2_.set_of(address_of(line)), line.l2 - 1u);
  }
  const Way* l2_copy(const LineInfo& line) const { return const_cast<Hierarchy*>(this)->l2_copy(line); }
  static bool is_in_data_cache(const LineInfo& line) { return line.l1d != 0 || line.l2 != 0; }
  bool is_snooped(const AccessInfo& info) const;
  Line& line_for_read(const AccessInfo& info, LineInfo& line);
  Line& line_for_write(const AccessInfo& info, LineInfo& line, bool overwritten = false);
  struct Fill {
    bool exclusive = false;
    bool overwritten = false;  ///< all of it, at once
  };
  Line& fill_data(const AccessInfo& info, LineInfo& line, Origin origin, Fill how);
  Line& put_in_l1d(const AccessInfo& info, LineInfo& line);
  Source source_of_fill(const AccessInfo& info, LineInfo& line, LineBytes& kept);
  bool take_from_others(const AccessInfo& info, LineInfo& line, bool exclusive, u8* data);
  void write_back_to_l2(LineInfo& line, Line& copy, const AccessInfo& by);
  void write_back_to_memory(LineInfo& line, const u8* data, u64 mask, const AccessInfo& by);
  Way& fill_l2(LineInfo& line, const AccessInfo& by);
  void clean_l2(LineInfo& line, const AccessInfo& by);
  void drop_l1d(unsigned core, Line& copy);
  void empty_l1d(unsigned core, Line& copy, const AccessInfo& by);
  void empty_l2(Way& copy, const AccessInfo& by);
  void drop_l2(LineInfo& line);
  void evict_l1d(unsigned core, Line& copy, const AccessInfo& by);
  void evict_l2(Way& copy, const AccessInfo& by);
  void clean_all(LineInfo& line, const AccessInfo& by);
  void drop_all(LineInfo& line);
  Source coherent_source(const LineInfo& line, unsigned core) const;
  Level coherent_view(const LineInfo& line, unsigned core, std::array<u8, 64>& data) const;
  template <class Visit>
  void for_each_data_copy(const LineInfo& line, Visit visit) const;

  // divergence.cpp
  /// Makes the records of a line current. Every entry from outside does this first.
  void settle(LineInfo& line) {
    if (line.lent_to != 0) settle_lent(line);
  }
  void settle_lent(LineInfo& line);
  void absorb(LineInfo& line, Cache& l1d, Line& copy);
  u64 written_by_pointer(unsigned core, const Line& copy) const;
  const u8* newest(const LineInfo& line) const;
  bool agrees(const LineInfo& line, const u8* golden) const;
  void diverge(LineInfo& line);
  void converge(LineInfo& line);
  void forget_golden(LineInfo& line);
  void withdraw(unsigned core, Side side, Line& copy, Withdrawn what);
  void withdraw_lent(unsigned core, Side side, Line& copy, Withdrawn what);
  void withdraw_data(LineInfo& line, u32 cores);
  void withdraw_fetch(LineInfo& line);
  LineInfo* lendable(const AccessInfo& info, Pa pa);
  bool may_lend(const LineInfo& line, const Line& copy, bool for_write) const;
  LinePointer lend(const AccessInfo& info, LineInfo& line, Line& copy, bool for_write);

  // whole.cpp
  bool is_whole(const LineInfo& line) const { return is_whole(page_of(line)); }
  bool is_whole(const PageInfo& page) const { return kept_ != nullptr && page.mode == PageInfo::Mode::Whole; }
  u64 dirty_in_whole(const LineInfo& line) const;
  bool stays_whole(const AccessInfo& info, const LineInfo& line, Path path, bool write) const;
  bool read_whole(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<u8> out);
  bool write_whole(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in);
  void note_use(PageInfo& page, u64 lines);
  bool is_cached_still(const PageInfo& page) const;
  u64 above_unification(const PageInfo& page) const;
  void keep_image(LineInfo& line);
  void write_back_whole(PageInfo& page, u64 lines, const AccessInfo& by);
  void withdraw_whole(PageInfo& page, u64 lines, Withdrawn what);
  void mark_use(PageInfo& page, u8 use);
  bool is_lent_whole(const AccessInfo& info, const LineInfo& line, bool for_write) const;
  LinePointer read_again(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<u8> out);
  LinePointer write_again(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in);
  LinePointer lend_whole(const AccessInfo& info, LineInfo& line, bool for_write);
  const u8* lend_code(const AccessInfo& info, LineInfo& line);
  void withdraw_code(PageInfo& page, u64 lines, u32 cores = ~u32{0});
  void withdraw_all_code(u32 cores);
  void leave_code(LineInfo& line);
  void split(PageInfo& page);
  void split_line(PageInfo& page, unsigned number);
  void split_dirty();
  void join(PageInfo& page);
  void adopt_whole(PageInfo& page, Pa base, u64 size);
  bool maintain_whole(const CacheOpByPa& op, PageInfo& page, u64 lines, const AccessInfo& by);

  // maintenance.cpp
  void perform(const CacheOpByPa& op, const AccessInfo& by);
  void maintain_data(const CacheOpByPa& op, LineInfo& line, const AccessInfo& by);
  void clean_scope(const CacheOpByPa& op, LineInfo& line, u32 cores, const AccessInfo& by);
  void invalidate_scope(LineInfo& line, u32 cores, bool discards, const AccessInfo& by);
  void drain(unsigned core);
  void drain_data(unsigned core, const LineInfo* only);
  u32 in_scope(Scope scope, unsigned core) const;
  AccessInfo issuer(unsigned core) const;
  void set_way_l1(Action action, unsigned core, u32 set, u32 way, const AccessInfo& by);
  void set_way_l2(Action action, u32 set, u32 way, const AccessInfo& by);

  // speculation.cpp
  void make_interesting(LineInfo& line);
  void before_uncached_write(const AccessInfo& info, LineInfo& line);
  void before_cached_write(const AccessInfo& info, LineInfo& line);
  void fetch_before_write(const AccessInfo& info, LineInfo& line);
  void random_fill(unsigned core);
  void random_eviction(unsigned core);
  bool adversarial_eviction(unsigned core);
  void refetch(unsigned core);
  bool may_speculate(const LineInfo& line) const;
  void fill_clean(unsigned core, LineInfo& line);

  // snapshot.cpp
  void forget_all();
  void visit_pages(StateVisitor& v);
  void visit_page(StateVisitor& v, PageInfo& page);
  void visit_golden(StateVisitor& v, const PageInfo& page);
  void find_divergent();
  void visit_line(StateVisitor& v, std::string_view name, const LineInfo*& line);
  void visit_core(StateVisitor& v, u32 index);
  void relink_lent(StateVisitor& v, u32 index);
  void visit_pending(StateVisitor& v, std::vector<CacheOpByPa>& pending);
  void visit_interesting(StateVisitor& v);

  // peek.cpp
  std::vector<Event> events_of(const LineInfo& line, usize limit) const;
  void look(const LineInfo& line, View view, unsigned core, std::array<u8, 64>& data) const;

  // checks.cpp
  void check_read(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> seen, Level from);
  void check_fetch(const AccessInfo& info, LineInfo& line, unsigned offset, u32 seen, Level from);
  void check_overwrite(LineInfo& line, const u8* below, const u8* data, u64 mask, Level level, const AccessInfo& by);
  void check_discard(LineInfo& line, const u8* data, u64 dirty, Level level, const AccessInfo& by);
  void check_use(const AccessInfo& info, LineInfo& line);
  void change_use(const AccessInfo& info, LineInfo& line, u8 use);
  void check_ambiguity(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> seen, Level from);
  void report(Finding finding, const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> seen,
              std::span<const u8> expected, Level from);
  Remedy remedy(Finding finding, const AccessInfo& info, const LineInfo& line, Level from) const;
  bool is_invalidated(const AccessInfo& info, const LineInfo& line) const;
  bool may_run_old(const AccessInfo& info, const LineInfo& line) const;
  u64 dirty_anywhere(const LineInfo& line) const;
  void event(LineInfo& line, EventKind kind, Level level, const AccessInfo& by);

  Config config_;
  Knobs knobs_;
  unsigned cores_ = 0;
  Directory directory_;
  LineListener* listener_ = nullptr;
  std::vector<Core> core_;  ///< the host core is the last
  SharedCache l2_;
  Cache system_;
  /// What was last written to lines that are divergent. Looked up only, never iterated.
  std::unordered_map<const LineInfo*, std::array<u8, kLine>> golden_;
  std::deque<LineInfo*> interesting_;
  std::vector<PageInfo*> executed_;   ///< those that say so
  std::unique_ptr<KeptImages> kept_;  ///< with the knob pages=whole
  u64 pages_split_ = 0;
  u32 lines_written_ =
      0;  ///< times that lines of whole pages became dirty in an L1D: as many as it has push older ones out
  u32 pages_used_ = 0;  ///< times that pages came into use: after as many as the caches hold a page has left them
  Chance chance_;
  u64 fetch_contexts_ = 0;  ///< numbers given out
  AccessInfo issuer_{.attr = kWriteBackIsh};
  Level last_source_ = Level::L1D;  ///< where the last line found or filled came from
  History history_{0};
  Sanitizer sanitizer_;
  MaintenanceCounts counts_;
};

}  // namespace farside::cache
