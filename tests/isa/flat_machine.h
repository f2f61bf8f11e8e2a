// tests/isa/flat_machine.h - one PE at EL1 with the MMU on, flat RAM and nothing else: where instructions are tried.
#pragma once
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "core/base/trace.h"
#include "core/interp/interp_exec.h"
#include "core/isa/decode.h"
#include "core/pe/pe.h"

namespace farside::test {

/// How an instruction ended.
enum class Ending : u8 {
  Done,
  Undefined,  ///< EC 0
  Abort,      ///< a data abort, alignment included
  Other,      ///< any other exception
};

/// Every extension that user-level instructions can belong to.
Features all_features();

/// Memory as a machine has it: in whole pages.
template <class T>
struct PageAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlign{4096};
  T* allocate(usize n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlign)); }
  void deallocate(T* p, usize) { ::operator delete(p, kAlign); }
  friend bool operator==(const PageAllocator&, const PageAllocator&) = default;
};

class FlatMachine : public pe::BusPort,
                    public pe::SystemPort,
                    public pe::Clock,
                    public cache::Backing,
                    public cache::LineListener {
 public:
  static constexpr u64 kCode = 0x1'0000, kCodeSize = 0x1'0000;
  static constexpr u64 kData = 0x4000'0000, kDataSize = 0x2'0000;
  /// With `aliases`, the same memory for EL1 once more: data as Normal Non-cacheable, code that can be written.
  static constexpr u64 kUncached = 0x8000'0000, kPatching = 0xc000'0000 + kCode;
  struct Options {
    bool check_sp_alignment = true;
    bool aliases = false;  ///< kUncached and kPatching are mapped
    unsigned cores = 1;
    cache::Knobs knobs{};  ///< with caches that are modelled: small ones, so that lines leave them often
    u64 seed = 1;
  };

  FlatMachine() : FlatMachine(Options{}) {}
  explicit FlatMachine(Options options);

  pe::Pe& pe(unsigned core = 0) { return *pes_[core]; }
  cache::Hierarchy& caches() { return *caches_; }
  /// The data window, readable and writable at EL0 and EL1.
  std::span<u8> data() { return data_; }
  /// Executes `word` at the current PC as the interpreter would, but leaves an exception pending instead of taking it.
  Ending execute(u32 word);

  // pe::BusPort
  u8* ram_page(Pa page) override;
  bool read(Pa, unsigned, u64&, u32) override { return false; }
  bool write(Pa, unsigned, u64, u32) override { return false; }
  // pe::SystemPort
  void broadcast_tlbi(pe::Pe&, const mmu::TlbiOp& op) override {
    for (const auto& pe : pes_) pe->apply_tlbi(op);
  }
  void cache_op(pe::Pe& issuer, const cache::CacheOpByPa& op) override { maintain(issuer, op); }
  void cache_op(pe::Pe& issuer, const cache::CacheOpBySetWay& op) override { maintain(issuer, op); }
  void cache_op(pe::Pe& issuer, const cache::ICacheInvalidateAll& op) override { maintain(issuer, op); }
  void send_event(pe::Pe&) override {}
  // pe::Clock
  u64 counter(const pe::Pe&) override { return 0; }
  void set_ppi(u32, u32, bool) override {}
  void timers_changed(u32) override {}
  // cache::LineListener
  void line_withdrawn(unsigned core, cache::Side side, Pa, u32 place, cache::Withdrawn what) override {
    if (core < pes_.size()) pes_[core]->line_withdrawn(side, place, what);
  }
  void page_withdrawn(unsigned core, const u8* page, u32 place, u64 lines, cache::Withdrawn what) override {
    if (core < pes_.size()) pes_[core]->page_withdrawn(page, place, lines, what);
  }

 private:
  void build_tables(bool aliases);
  void enter_el1(pe::Pe& pe, const Options& options);
  template <class Op>
  void maintain(pe::Pe& issuer, const Op& op) {
    caches_->set_issuer(issuer.maintenance_access());
    caches_->apply(op, issuer.physical());
  }
  Trace trace_;
  CpuModel model_;
  std::vector<u8, PageAllocator<u8>> code_, data_;
  std::unique_ptr<cache::Hierarchy> caches_;
  std::vector<std::unique_ptr<pe::Pe>> pes_;
};

}  // namespace farside::test
