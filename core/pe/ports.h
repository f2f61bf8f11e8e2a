// core/pe/ports.h - what a PE needs from the machine around it; implemented in frontends/machine.
#pragma once
#include "cache/hierarchy.h"
#include "cache/op.h"
#include "core/base/addr.h"
#include "core/base/trace.h"
#include "core/pe/code_watch.h"
#include "mmu/tlbi.h"

namespace farside::pe {

class Pe;

/// Physical memory below translation: RAM pages by pointer, everything else by access.
class BusPort {
 public:
  virtual ~BusPort() = default;
  /// Host pointer to the 4 KiB page of RAM at `page`, itself a multiple of 4 KiB, or null when no RAM is there. Stable
  /// for the machine's life.
  virtual u8* ram_page(Pa page) = 0;
  /// The same for memory that is read and executed in place while writes to it are device accesses: flash in array
  /// mode. Stable until Pe::rom_withdrawn.
  virtual const u8* rom_page(Pa) { return nullptr; }
  /// What instruction fetches see of a page of RAM, as ram_page gave it: the page itself, or a copy that stores do not
  /// reach.
  virtual const u8* code_page(const u8* ram_page) { return ram_page; }
  /// code_page(page) - page, the same for all pages of RAM.
  virtual i64 code_distance() const { return 0; }
  /// Device access of 1, 2, 4 or 8 bytes. False: nothing answers, which is a synchronous External abort.
  virtual bool read(Pa pa, unsigned size, u64& value, u32 pe) = 0;
  virtual bool write(Pa pa, unsigned size, u64 value, u32 pe) = 0;
};

/// A hosted EL2: called once after an exception has been taken to EL2 architecturally; it must leave EL2 (ERET) or stop
/// the machine before it returns.
class El2Host {
 public:
  virtual ~El2Host() = default;
  virtual void on_exception_to_el2(Pe& pe) = 0;
};

/// Firmware behind HVC or SMC where no EL2 or EL3 exists (PSCI). Returns false when the call is not its own: UNDEFINED.
class FirmwarePort {
 public:
  virtual ~FirmwarePort() = default;
  virtual bool call(Pe& pe, bool smc) = 0;
};

/// Whoever answers semihosting calls, HLT #0xF000. Returns false when an exception is pending; with `again` the call
/// waits for something, and the instruction is executed once more.
class SemihostingPort {
 public:
  virtual ~SemihostingPort() = default;
  virtual bool call(Pe& pe, bool& again) = 0;
};

/// The GIC CPU interface behind the ICC_* system registers. `encoding` is op0:op1:CRn:CRm:op2 as sysreg.h packs it.
class IccPort {
 public:
  virtual ~IccPort() = default;
  virtual u64 read(u32 pe, u16 encoding) = 0;
  virtual void write(u32 pe, u16 encoding, u64 value) = 0;
  /// Whether EL1's writes to ICC_SGI0R, SGI1R and ASGI1R reach this port although HCR_EL2.{IMO,FMO} is set, as where a
  /// hosted hypervisor's interrupt controller is the port itself. False: they trap to EL2.
  virtual bool takes_virtual_sgis() const { return true; }
};

/// Virtual time. The counter advances at CNTFRQ_EL0 and is common to all PEs.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Physical counter (CNTPCT_EL0) as `pe` sees it at the instruction that it executes now.
  virtual u64 counter(const Pe& pe) = 0;
  /// A timer output or interrupt line of `pe` changed level: `intid` is the PPI, 16..31.
  virtual void set_ppi(u32 pe, u32 intid, bool level) = 0;
  /// The next timer expiry of `pe` changed; the machine asks Pe::next_timer_expiry again.
  virtual void timers_changed(u32 pe) = 0;
};

/// Operations that leave the PE: broadcasts, events and cache maintenance.
class SystemPort {
 public:
  virtual ~SystemPort() = default;
  /// Applies a TLB invalidation to the PEs in its scope, the issuer included.
  virtual void broadcast_tlbi(Pe& issuer, const mmu::TlbiOp& op) = 0;
  virtual void cache_op(Pe& issuer, const cache::CacheOpByPa& op) = 0;
  virtual void cache_op(Pe& issuer, const cache::CacheOpBySetWay& op) = 0;
  virtual void cache_op(Pe& issuer, const cache::ICacheInvalidateAll& op) = 0;
  /// SEV: sets the event register of every PE.
  virtual void send_event(Pe& issuer) = 0;
};

/// Random numbers for RNDR, from the machine's seed.
class EntropyPort {
 public:
  virtual ~EntropyPort() = default;
  virtual u64 next() = 0;
};

/// All ports of one PE. El2Host, FirmwarePort, SemihostingPort and CodeWatch may be null. Without `caches` every access
/// is RAM; with them every access to RAM goes through them.
struct Ports {
  BusPort* bus = nullptr;
  SystemPort* system = nullptr;
  Clock* clock = nullptr;
  IccPort* icc = nullptr;
  El2Host* el2_host = nullptr;
  FirmwarePort* firmware = nullptr;
  SemihostingPort* semihosting = nullptr;
  EntropyPort* entropy = nullptr;
  const Trace* trace = nullptr;
  CodeWatch* code_watch = nullptr;
  cache::Hierarchy* caches = nullptr;
};

}  // namespace farside::pe
