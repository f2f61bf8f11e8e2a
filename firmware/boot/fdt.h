// firmware/boot/fdt.h - the device tree of the `virt` machine, built or patched with libfdt.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::boot {

/// [base, base + size) of guest-physical memory, in bytes.
struct IpaRange {
  u64 base = 0;
  u64 size = 0;
  u64 end() const { return base + size; }
};

/// How the guest calls PSCI; None leaves the node out.
enum class PsciConduit : u8 { None, Hvc, Smc };

/// What the tree says. The devices are those of virt_map.h.
struct FdtConfig {
  u64 memory_base = 0x4000'0000;
  u64 memory_size = 0;
  u32 gic_version = 3;  ///< 2 or 3
  bool second_uart = false;
  u32 cpus = 1;                                   ///< 1..8; CPU n has reg = n
  std::string cpu_compatible = "arm,cortex-a57";  ///< e.g. "arm,cortex-a53"
  PsciConduit psci = PsciConduit::Hvc;
  std::optional<IpaRange> initrd;
  std::string bootargs;
  bool pmu = true;                ///< an arm,armv8-pmuv3 node
  bool hyp_timer = true;          ///< the EL2 timer's interrupt is wired
  u32 virtio_slots = 0;           ///< virtio-mmio nodes, from slot 0 on
  u64 noncoherent_slots = 0;      ///< bit n: the device in slot n accesses memory around the caches
  bool flash = false;             ///< two CFI banks
  bool fw_cfg = false;            ///< firmware configuration
  u64 kaslr_seed = 0;             ///< from the machine's seed
  std::array<u8, 32> rng_seed{};  ///< likewise
};

/// A flattened tree for `config`, packed.
std::vector<u8> build_fdt(const FdtConfig& config);

/// A user's tree with /chosen (bootargs, initrd, seeds) and /memory set from `config`; everything else is left alone.
/// An empty `config.bootargs` keeps the tree's own. `name` is for messages. Fails when the blob is not a sound tree.
Result<std::vector<u8>, UserError> patch_fdt(std::span<const u8> blob, const std::string& name,
                                             const FdtConfig& config);

}  // namespace farside::boot
