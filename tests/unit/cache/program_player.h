// tests/unit/cache/program_player.h - plays programs of accesses and maintenance on modelled caches and compares all
// that is seen with what was last written.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tests/unit/cache/fixture.h"

namespace farside::cache {

constexpr unsigned kPages = 3;
constexpr u64 kBytes = kPages * 4096;
constexpr u32 kHost = 2;  // beside cores 0 and 1

enum class Do : u8 {
  Load,
  Store,
  ReadAndLend,
  WriteAndLend,
  CompareExchange,
  Zero,
  Walk,
  DmaRead,
  DmaWrite,
  Fetch,
  Lend,
  LendCode,
  StoreByPointer,
  Data,         // DC by address
  Instruction,  // IC IVAU
  InstructionAll,
  SetWay,
  Sweep,  // DC CSW, ISW or CISW, as `value` says, of all of the L1D
  Barrier,
  Time,
  Evict,
  Fill,
  Context,
  Adopt,
  Flush,
  Look,
  kCount
};
constexpr std::string_view kStepNames[] = {"load",
                                           "store",
                                           "read_and_lend",
                                           "write_and_lend",
                                           "compare_exchange",
                                           "zero",
                                           "walk",
                                           "dma_read",
                                           "dma_write",
                                           "fetch",
                                           "lend",
                                           "lend_code",
                                           "store_by_ptr",
                                           "dc",
                                           "ic",
                                           "ic_all",
                                           "set_way",
                                           "sweep",
                                           "barrier",
                                           "time",
                                           "evict",
                                           "fill",
                                           "context",
                                           "adopt",
                                           "flush",
                                           "look"};
static_assert(std::size(kStepNames) == static_cast<usize>(Do::kCount));

/// All that one step does, so that a program without some of its steps does the rest of them as before.
struct Op {
  Do code = Do::Load;
  u8 core = 0, attr = 0, size = 8;
  u16 at = 0;  ///< from kX
  u64 value = 0;
  Pa pa() const { return kX + at; }
  Pa line() const { return pa().align_down(64); }
};
using Program = std::vector<Op>;

constexpr MemAttr kAttrs[] = {kWb, kNc, kOff, kWt, kWbNsh};

inline std::string text_of(const Op& op) {
  return fmt::format("{} core {} attr {} at {:#x} size {} value {:#x}", kStepNames[static_cast<usize>(op.code)],
                     op.core, op.attr, op.at, op.size, op.value);
}

constexpr bool is_stale(Finding finding) { return finding <= Finding::STALE_WALK; }
constexpr bool is_loss(Finding finding) {
  return finding == Finding::LOST_WRITE || finding == Finding::DISCARDED_DIRTY;
}

/// A pointer that the hierarchy has lent. Of a whole page there is one for loads, and one for the stores to each line.
struct Held {
  u32 core = 0;
  Side side = Side::Data;
  bool whole = false, loads = true, stores = false;
  u64 at = 0, size = kLine;  ///< from kX: what it leads to
  u32 place = 0;
  u64 context = 0;
  u8* data = nullptr;
  bool covers(u64 from, u64 bytes) const { return at <= from && from + bytes <= at + size; }
};

/// Does what a program says and compares all that is seen with what was last written.
class Player final : public LineListener {
 public:
  Player(const Knobs& knobs, const Config& config, u64 seed, bool correct)
      : m_(knobs, config, seed), correct_(correct) {
    m_.caches.set_listener(this);
    m_.caches.sanitizer().set_callback([this](const Report& report) { heard(report); });
  }
  /// What is wrong; nothing, if all is well.
  std::optional<std::string> play(const Program& program) {
    for (usize i = 0; i < program.size(); ++i) {
      step(program[i], i % 16 == 0);
      if (failure_) return fmt::format("step {}, {}: {}", i, text_of(program[i]), *failure_);
    }
    flush();
    return failure_;
  }

  void line_withdrawn(unsigned core, Side side, Pa line, u32 place, Withdrawn what) override {
    for (Held& h : held_) {
      if (h.whole || h.core != core || h.side != side || h.place != place) continue;
      if (kX.value + h.at != line.value) fail("a withdrawal names another line than its place has");
      h.stores = false;
      if (what == Withdrawn::All) h.loads = false;
    }
    std::erase_if(held_, [](const Held& h) { return !h.loads && !h.stores; });
  }
  void page_withdrawn(unsigned core, const u8* page, u32, u64 lines, Withdrawn what) override {
    std::erase_if(held_, [&](const Held& h) {
      if (!h.whole || h.core != core || m_.ram.ram_page((kX + h.at).align_down(4096)) != page) return false;
      return h.stores ? bit(lines, static_cast<unsigned>(h.at % 4096 / 64)) : what == Withdrawn::All;
    });
  }

 private:
  void fail(std::string text) {
    if (!failure_) failure_ = std::move(text);
  }
  void heard(const Report& report) {
    const u64 at = report.pa.value - kX.value;
    if (is_advisory(report.finding)) return;
    if (correct_) fail("report about correct software:\n" + print(report));
    if (report.size == 0 || report.seen[0] == report.expected[0]) {
      if (report.access.kind != AccessKind::Fetch) fail("report without a difference:\n" + print(report));
    }
    bool& lossy = lossy_[at / 64];
    if (!lossy && std::memcmp(report.expected.data(), &last_[at], report.size) != 0)
      fail("what is expected is not what was last written:\n" + print(report));
    lossy |= is_loss(report.finding);
    if (is_stale(report.finding) && report.access.pc == pc_) ++stale_;
  }

  AccessInfo info_of(const Op& op) const {
    AccessInfo info = m_.by(kAttrs[op.attr], pc_, op.core);
    info.kind = op.core == kHost ? AccessKind::Host : AccessKind::Data;
    if (op.core == kHost) info.attr = kWb;
    info.cache_disabled = !correct_ && !info.attr.is_write_back() && op.value % 4 == 0;
    return info;
  }
  AccessInfo fetch_of(const Op& op) const {
    AccessInfo info = m_.by(kAttrs[op.attr], pc_, op.core % 2);
    info.kind = AccessKind::Fetch;
    info.va = op.line().value + (op.value & 3) * 4096;
    info.vmid = static_cast<u16>(op.value >> 2 & 1);
    info.asid = static_cast<u16>(op.value >> 3 & 1);
    return info;
  }
  AccessInfo dma_of(const Op& op) const {
    AccessInfo info;
    info.kind = AccessKind::Dma;
    info.coherent_dma = op.attr == 0;
    info.pc = pc_;
    return info;
  }

  void step(const Op& op, bool all) {
    pc_ += 4;
    stale_ = 0;
    written_ = {};
    m_.caches.set_issuer(m_.by(kWb, pc_, op.core));
    std::array<u8, 64> seen{};
    const usize looked = act(op, seen);
    const u64 at = op.code == Do::Fetch ? op.at & ~u64{3} : op.at;
    const std::vector<u8> before(&last_[at], &last_[at] + looked);
    for (u64 line = 0; line < kBytes / 64; ++line)
      if (all || lossy_[line] || line == at / 64 || line == (at + 63) / 64) agree_on(line);
    judge(at, {seen.data(), looked}, before);
    // Loads by pointer: all of them that could be made now.
    for (const Held& h : held_)
      if (h.loads && std::memcmp(h.data, &last_[h.at], h.size) != 0)
        fail(fmt::format("a pointer of core {} to {:#x}, {} bytes, shows something old", h.core, h.at, h.size));
  }
  /// What the hierarchy takes for last written is that, save for losses that it has told of.
  void agree_on(u64 line) {
    std::array<u8, 64> golden;
    m_.caches.peek(kX + line * 64, golden, View::Golden);
    if (std::memcmp(golden.data(), &last_[line * 64], 64) == 0) return;
    if (!lossy_[line]) fail(fmt::format("golden bytes of line {:#x} are not those last written", line * 64));
    for (u64 at = written_.at; at < written_.at + written_.size; ++at)
      if (at / 64 == line && golden[at % 64] != last_[at]) fail(fmt::format("what was stored to {:#x} is lost", at));
    std::ranges::copy(golden, &last_[line * 64]);
  }
  void judge(u64 at, std::span<const u8> seen, const std::vector<u8>& before) {
    const bool crosses = !seen.empty() && at / 64 != (at + seen.size() - 1) / 64;
    if (crosses && std::memcmp(before.data(), &last_[at], seen.size()) != 0) return;  // lost between two lines
    const bool wrong = std::memcmp(seen.data(), &last_[at], seen.size()) != 0;
    if (wrong && stale_ == 0) fail("something old was seen and not reported");
    if (!wrong && stale_ != 0) fail("what was last written was seen and reported");
  }
  void wrote(u64 at, std::span<const u8> bytes) {
    std::ranges::copy(bytes, &last_[at]);
    // The second line of two may push out an old copy of the first.
    if (at / 64 == (at + bytes.size() - 1) / 64) written_ = {at, bytes.size()};
  }

  /// The number of bytes that were seen.
  usize act(const Op& op, std::array<u8, 64>& seen) {
    std::array<u8, 64> in;
    for (unsigned i = 0; i < 64; ++i) in[i] = static_cast<u8>(op.value >> i % 8 * 8);
    const std::span<u8> out(seen.data(), op.size);
    const std::span<const u8> bytes(in.data(), op.size);
    switch (op.code) {
      case Do::Load: return m_.caches.read(info_of(op), op.pa(), out), op.size;
      case Do::Store: m_.caches.write(info_of(op), op.pa(), bytes), wrote(op.at, bytes); break;
      case Do::ReadAndLend: {
        if (op.at % 64 + op.size > 64) break;
        const AccessInfo info = info_of(op);
        hold(op, info, m_.caches.read_and_lend(info, op.pa(), out));
        return op.size;
      }
      case Do::WriteAndLend: {
        if (op.at % 64 + op.size > 64) break;
        const AccessInfo info = info_of(op);
        const LinePointer lent = m_.caches.write_and_lend(info, op.pa(), bytes);
        wrote(op.at, bytes);
        hold(op, info, lent);
        break;
      }
      case Do::CompareExchange: return compare_exchange(op, bytes, out);
      case Do::Zero: {
        m_.caches.zero_line(info_of(op), op.pa());
        wrote(op.line().value - kX.value, std::array<u8, 64>{});
        break;
      }
      case Do::Walk: {
        AccessInfo info = m_.by(kAttrs[op.attr], pc_, op.core % 2);
        info.kind = AccessKind::Walk;
        return m_.caches.read(info, op.pa(), out), op.size;
      }
      case Do::DmaRead: return m_.caches.read(dma_of(op), op.pa(), out), op.size;
      case Do::DmaWrite: m_.caches.write(dma_of(op), op.pa(), bytes), wrote(op.at, bytes); break;
      case Do::Fetch: {
        const u32 word = *m_.caches.fetch(fetch_of(op), op.pa().align_down(4));
        std::memcpy(seen.data(), &word, 4);
        return 4;
      }
      case Do::Lend: {
        const AccessInfo info = info_of(op);
        hold(op, info, m_.caches.line_pointer(info, op.pa(), op.value % 2 != 0));
        break;
      }
      case Do::LendCode: lend_code(op); break;
      case Do::StoreByPointer: store_by_pointer(op, bytes); break;
      default: maintain(op);
    }
    return 0;
  }
  usize compare_exchange(const Op& op, std::span<const u8> desired, std::span<u8> seen) {
    const unsigned size = std::min<unsigned>(op.size, 16);
    if (op.at % 64 + size > 64) return 0;
    const std::vector<u8> expected(&last_[op.at], &last_[op.at] + size);
    const AccessInfo info = info_of(op);
    m_.caches.compare_exchange(info, op.pa(), expected, desired.first(size), seen.first(size));
    if (!std::ranges::equal(expected, seen.first(size))) return size;
    if (stale_ != 0) fail("the exchange saw what was last written and was reported");
    return wrote(op.at, desired.first(size)), 0;
  }
  void maintain(const Op& op) {
    const auto action = static_cast<Action>(op.value % 3);
    const u64 size = op.core == kHost && op.size > 8 ? 4096 : 0;
    const Pa base = size != 0 ? op.pa().align_down(4096) : op.pa();
    if (action == Action::Invalidate) tear(op, base, size);
    switch (op.code) {
      case Do::Data:
        m_.caches.apply(CacheOpByPa{.action = action,
                                    .point = action == Action::Clean && bit(op.value, 8) ? Point::PoU : Point::PoC,
                                    .scope = op.attr == 4 ? Scope::ThisPe : Scope::InnerShareable,
                                    .base = base,
                                    .size = size},
                        op.core);
        break;
      case Do::Instruction: {
        CacheOpByPa ic{
            .instruction = true, .action = Action::Invalidate, .point = Point::PoU, .base = base, .size = size};
        if (op.value % 2 != 0) ic.has_va = true, ic.va = op.line().value + (op.value >> 2 & 3) * 4096;
        m_.caches.apply(ic, op.core);
        break;
      }
      case Do::InstructionAll:
        m_.caches.apply(ICacheInvalidateAll{op.attr == 0 ? Scope::ThisPe : Scope::InnerShareable}, op.core);
        break;
      case Do::SetWay: m_.caches.apply(CacheOpBySetWay{action, op.value >> 8 & ~u64{0xc}}, op.core); break;
      case Do::Sweep: sweep(action, op.core); break;
      case Do::Barrier: m_.caches.barrier(op.core, static_cast<Barrier>(op.value % 3)); break;
      case Do::Time: m_.caches.speculate(op.core, op.value); break;
      case Do::Evict: m_.caches.evict_line(op.pa()); break;
      case Do::Fill: m_.caches.speculative_fill(op.core, op.pa()); break;
      case Do::Context: change_context(op); break;
      case Do::Adopt: adopt(op); break;
      case Do::Flush: flush(); break;
      case Do::Look: look(op); break;
      default: break;
    }
  }
  /// Where dirty bytes are thrown away in some caches only, clean copies of them may stay in others, and memory never
  /// gets what these show: a read of it is reported, but it is not lost while they are there.
  void tear(const Op& op, Pa base, u64 size) {
    const bool by_way = op.code == Do::SetWay || op.code == Do::Sweep;
    if (by_way) torn_.fill(true);
    if (op.code != Do::Data || op.attr != 4) return;
    const u64 first = (base.align_down(64).value - kX.value) / 64;
    for (u64 line = first; line < first + (size != 0 ? 64 : 1); ++line) torn_[line] = true;
  }
  void sweep(Action action, unsigned core) {
    const Geometry& l1d = m_.caches.config().l1d;
    const unsigned way_bits = l1d.ways == 1 ? 0 : log2_floor(l1d.ways - 1) + 1;
    for (u64 set = 0; set < l1d.sets(); ++set)
      for (u64 way = 0; way < l1d.ways; ++way)
        m_.caches.apply(CacheOpBySetWay{action, (way_bits == 0 ? 0 : way << (32 - way_bits)) | set << 6}, core);
  }

  void hold(const Op& op, const AccessInfo& info, const LinePointer& lent) {
    if (lent.data == nullptr) return;
    const u64 line = op.line().value - kX.value, page = line & ~u64{4095};
    if (lent.page != nullptr) {
      if (lent.page != m_.ram.ram_page(kX + page) || lent.data != lent.page + (line & 4095)) fail("not that page");
      keep({.core = info.core, .whole = true, .at = page, .size = 4096, .data = lent.page});
      if (!lent.writable) return;
      keep({.core = info.core, .whole = true, .loads = false, .stores = true, .at = line, .data = lent.data});
    } else {
      keep({.core = info.core, .stores = lent.writable, .at = line, .place = lent.place, .data = lent.data});
    }
  }
  void lend_code(const Op& op) {
    const AccessInfo info = fetch_of(op);
    u8* const data = const_cast<u8*>(m_.caches.fetch_pointer(info, op.pa()));
    if (data == nullptr) return;
    keep({.core = info.core,
          .side = Side::Instruction,
          .at = op.line().value - kX.value,
          .place = m_.caches.place_of(info.core, Side::Instruction, data, op.line()),
          .context = context_[info.core],
          .data = data});
  }
  /// The newer one of two that lead to the same is the right one.
  void keep(const Held& one) {
    std::erase_if(held_, [&](const Held& h) {
      return h.core == one.core && h.side == one.side && h.whole == one.whole && h.at == one.at && h.size == one.size &&
             h.place == one.place;
    });
    held_.push_back(one);
  }
  void store_by_pointer(const Op& op, std::span<const u8> bytes) {
    for (const Held& h : held_) {
      if (!h.stores || h.core != op.core || !h.covers(op.at, op.size)) continue;
      std::ranges::copy(bytes, h.data + (op.at - h.at));
      return wrote(op.at, bytes);
    }
  }
  void change_context(const Op& op) {
    const u32 core = op.core % 2;
    if (op.value % 2 == 0) {
      context_[core] = m_.caches.forget_fetched(core);
    } else {  // of two, as if a trap had been taken and returned from
      std::swap(context_[core], other_context_[core]);
      m_.caches.resume_fetching(core, context_[core]);
    }
  }
  void adopt(const Op& op) {
    const u64 line = op.line().value - kX.value, size = op.attr == 0 ? 4096 - line % 4096 : 64;
    for (u64 i = 0; i < size; ++i) last_[line + i] = m_.ram.at(kX + line + i) = static_cast<u8>(op.value >> i % 8 * 8);
    m_.caches.adopt(kX + line, size);
  }
  /// Memory gets all that was last written.
  void flush() {
    written_ = {};
    m_.caches.flush_all();
    if (!held_.empty()) fail("a pointer outlived flush_all");
    for (u64 line = 0; line < kBytes / 64; ++line) {
      agree_on(line);
      if (!torn_[line] && std::memcmp(&m_.ram.at(kX + line * 64), &last_[line * 64], 64) != 0)
        fail(fmt::format("memory of line {:#x} is not what was last written", line * 64));
    }
  }
  /// Looking changes nothing, and memory is what a device sees there.
  void look(const Op& op) {
    const u64 before = m_.caches.state_hash();
    std::array<u8, 64> memory, bytes;
    for (const View view : {View::Cached, View::Unification, View::Golden})
      for (unsigned core = 0; core < 3; ++core) m_.caches.peek(op.line(), bytes, view, core);
    m_.caches.peek(op.line(), memory, View::Memory);
    m_.caches.copies(op.pa());
    if (m_.caches.state_hash() != before) fail("looking has changed something");
    if (correct_ || m_.caches.knobs().dma == DmaPath::Snoop) return;
    Op around = op;
    around.attr = 1;
    const u64 split = m_.caches.pages_split();
    m_.caches.read(dma_of(around), op.line(), bytes);
    // Caches that cannot hold the lines of a page write some of them back when it gets them.
    const bool overflows = m_.caches.pages_split() != split && m_.caches.config().l1d.size < 4096;
    if (bytes != memory && !overflows) fail("a device sees other bytes than those of the memory view");
    stale_ = 0;
  }

  Machine m_;
  bool correct_;
  std::array<u8, kBytes + 64> last_{};
  std::array<bool, kBytes / 64 + 1> lossy_{}, torn_{};
  struct {
    u64 at = 0, size = 0;
  } written_;  ///< by the step, in one line
  std::vector<Held> held_;
  u64 context_[2] = {}, other_context_[2] = {};
  u64 pc_ = 0x1000, stale_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace farside::cache
