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

class FlatMachine : public pe::BusPort, public pe::SystemPort, public pe::Clock {
 public:
  static constexpr u64 kCode = 0x1'0000, kCodeSize = 0x1'0000;
  static constexpr u64 kData = 0x4000'0000, kDataSize = 0x2'0000;
  struct Options {
    bool check_sp_alignment = true;
  };

  FlatMachine() : FlatMachine(Options{}) {}
  explicit FlatMachine(Options options);

  pe::Pe& pe() { return *pe_; }
  /// The data window, readable and writable at EL0 and EL1.
  std::span<u8> data() { return data_; }
  /// Executes `word` at the current PC as the interpreter would, but leaves an exception pending instead of taking it.
  Ending execute(u32 word);

  // pe::BusPort
  u8* ram_page(Pa page) override;
  bool read(Pa, unsigned, u64&, u32) override { return false; }
  bool write(Pa, unsigned, u64, u32) override { return false; }
  // pe::SystemPort
  void broadcast_tlbi(pe::Pe& issuer, const mmu::TlbiOp& op) override { issuer.apply_tlbi(op); }
  void cache_op(pe::Pe&, const cache::CacheOpByPa&) override {}
  void cache_op(pe::Pe&, const cache::CacheOpBySetWay&) override {}
  void cache_op(pe::Pe&, const cache::ICacheInvalidateAll&) override {}
  void send_event(pe::Pe&) override {}
  // pe::Clock
  u64 counter(const pe::Pe&) override { return 0; }
  void set_ppi(u32, u32, bool) override {}
  void timers_changed(u32) override {}

 private:
  void build_tables();
  void enter_el1(Options options);
  Trace trace_;
  CpuModel model_;
  std::vector<u8, PageAllocator<u8>> code_, data_;
  std::unique_ptr<pe::Pe> pe_;
};

}  // namespace farside::test
