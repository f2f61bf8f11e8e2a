// frontends/machine/board.h - memory, bus and devices of the `virt` machine, and the cores' ports onto them.
#pragma once
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cache/hierarchy.h"
#include "core/pe/pe.h"
#include "devices/bus.h"
#include "devices/code_copies.h"
#include "devices/gic/gic.h"
#include "devices/gic/v2.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/ram.h"
#include "frontends/machine/caches.h"
#include "frontends/machine/config.h"
#include "frontends/machine/flash_banks.h"
#include "frontends/machine/physical_cores.h"

namespace farside::machine {

class Scheduler;

/// Everything around the cores that is not software.
class Board : public pe::BusPort,
              public pe::SystemPort,
              public pe::IccPort,
              public pe::EntropyPort,
              public cache::Backing,
              public cache::LineListener {
 public:
  using Cores = std::vector<std::unique_ptr<pe::Pe>>;

  /// RAM is `ram_size` bytes at physical address `ram_base`: the guest's own without a hypervisor, the host's with one.
  static Result<std::unique_ptr<Board>, UserError> create(const MachineConfig& config, const CacheSetup& caches,
                                                          u64 ram_base, u64 ram_size, Cores& cores, const Trace& trace);
  /// Connects interrupt outputs, timers and time once cores and scheduler exist.
  void connect(Scheduler& scheduler);

  u64 ram_base() const { return ram_base_; }
  dev::Ram& ram() { return ram_; }
  const dev::Ram& ram() const { return ram_; }
  /// Host pointer to physical address `pa`, which must be RAM.
  u8* ram_at(u64 pa);
  // Memory as the VMM and the hypervisor reach it: through the host's caches where they are modelled. All bytes must be
  // RAM.
  void host_read(Pa pa, std::span<u8> out);
  void host_write(Pa pa, std::span<const u8> bytes);
  void host_zero(Pa pa, u64 size);
  void host_copy(Pa to, Pa from, u64 size);
  /// Reads RAM as a coherent observer, with no effect; false where there is no RAM.
  bool peek(Pa pa, void* out, usize size) const;
  /// RAM at `pa` has been written by something other than a core.
  void wrote(u64 pa, u64 size);
  /// Lets the cores read and execute the flash in place: without a hypervisor, which does it by memory slots.
  void set_flash(FlashBanks& flash);
  /// Devices and decisions, but not memory.
  void visit_state(StateVisitor& visitor);
  /// Holds the power key down for 100 ms of the machine's time.
  void press_power_key();
  dev::Bus& bus() { return bus_; }
  const dev::Bus& bus() const { return bus_; }
  dev::Pl011& uart() { return *uart_; }
  /// Seconds since 1970 when the machine's time was 0.
  u64 epoch() const { return rtc_epoch_; }
  dev::Pl061& gpio() { return *gpio_; }
  dev::InterruptController& gic() { return *gic_; }
  /// With CodeMode::Arch; else null.
  dev::CodeCopies* code() { return code_.get(); }
  const dev::CodeCopies* code() const { return code_.get(); }
  /// What maintenance does to instructions that have been fetched already, without modelled caches.
  void renew_code(const cache::CacheOpByPa& op);
  void renew_code(const cache::CacheOpBySetWay&) {}
  void renew_code(const cache::ICacheInvalidateAll& op);
  cache::Hierarchy& caches() { return *caches_; }
  const cache::Hierarchy& caches() const { return *caches_; }
  PhysicalCores& physical() { return physical_; }

  u8* ram_page(Pa page) override {
    const u64 offset = page.value - ram_base_;
    return offset < ram_size_ ? ram_data_ + offset : nullptr;
  }
  const u8* rom_page(Pa page) override { return flash_ == nullptr ? nullptr : flash_->rom_page(page); }
  const u8* code_page(const u8* ram_page) override { return code_ == nullptr ? ram_page : code_->page(ram_page); }
  i64 code_distance() const override { return code_ == nullptr ? 0 : code_->distance(); }
  bool read(Pa pa, unsigned size, u64& value, u32 pe) override;
  bool write(Pa pa, unsigned size, u64 value, u32 pe) override;
  void broadcast_tlbi(pe::Pe& issuer, const mmu::TlbiOp& op) override;
  void cache_op(pe::Pe& issuer, const cache::CacheOpByPa& op) override { apply(issuer, op); }
  void cache_op(pe::Pe& issuer, const cache::CacheOpBySetWay& op) override { apply(issuer, op); }
  void cache_op(pe::Pe& issuer, const cache::ICacheInvalidateAll& op) override { apply(issuer, op); }
  void line_withdrawn(unsigned core, cache::Side side, Pa line, u32 place, cache::Withdrawn what) override;
  void fetched_ahead(unsigned core) override;
  void page_withdrawn(unsigned core, const u8* page, u32 place, u64 lines, cache::Withdrawn what) override;
  void send_event(pe::Pe& issuer) override;
  u64 read(u32 pe, u16 encoding) override;
  void write(u32 pe, u16 encoding, u64 value) override;
  u64 next() override { return entropy_.next(); }

 private:
  Board(const MachineConfig& config, const CacheSetup& caches, u64 ram_base, dev::Ram ram, Cores& cores,
        const Trace& trace);
  template <class Op>
  void apply(pe::Pe& issuer, const Op& op) {
    caches_->set_issuer(issuer.maintenance_access());
    caches_->apply(op, issuer.physical());
    renew_code(op);
  }

  void trace_access(std::string_view what, Pa pa, unsigned size, u64 value, u32 pe);
  pe::CodeWatch* code_watch() const;
  void attach_devices();
  Result<void, UserError> attach_second_uart(const std::string& path);
  void release_power_key();
  void deliver(u32 pe, bool irq, bool fiq);

  El2Mode el2_;
  u64 rtc_epoch_;
  u64 ram_base_, ram_size_;
  dev::Ram ram_;
  u8* ram_data_;
  std::unique_ptr<dev::CodeCopies> code_;
  Cores& cores_;
  const Trace& trace_;
  PhysicalCores physical_;
  std::unique_ptr<cache::Hierarchy> caches_;
  Chance entropy_;
  std::unique_ptr<dev::GicV3> gic_v3_;  ///< one of the two
  std::unique_ptr<dev::GicV2> gic_v2_;
  dev::InterruptController* gic_ = nullptr;
  std::unique_ptr<dev::Pl011> uart_, uart2_;
  std::unique_ptr<dev::Pl031> rtc_;
  std::unique_ptr<dev::Pl061> gpio_;
  dev::Bus bus_;
  Scheduler* scheduler_ = nullptr;
  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, FileCloser> serial2_;  ///< where the second UART's output goes
  u64 key_up_at_ = ~u64{0};                         ///< when the power key is released, in nanoseconds
  FlashBanks* flash_ = nullptr;
};

}  // namespace farside::machine
