// frontends/machine/config.h - everything that describes a machine before it exists.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/types.h"

namespace farside::hyp {
struct Policy;
}

namespace farside::machine {

/// Who owns EL2.
enum class El2Mode : u8 {
  Kvm,   ///< the hosted hypervisor: every stage-2 fault goes through firmware/hyp
  None,  ///< the PE has no EL2
};

/// What executes instructions. The result is the same.
enum class Engine : u8 {
  Fastest,  ///< Jit, but on hosts and in builds without it
  Interp,
  Jit,  ///< translates to host code, where the host allows it
};

/// What instruction fetches see of memory that has been written, without modelled caches.
enum class CodeMode : u8 {
  Coherent,  ///< the new bytes, at once: CTR_EL0.DIC is 1
  Arch,      ///< what was there when it was first fetched, until instruction cache maintenance (dev::CodeCopies)
};

/// How the translating engine works. The run does not depend on it.
struct JitConfig {
  std::optional<u32> threshold;  ///< runs of a block before it is translated; empty: what is fastest as a rule
  bool count_runs = false;       ///< for the weighted figures of Machine::jit_report, and where time goes
  std::optional<u32> longest;    ///< instructions of a block; empty: as many as is good
  std::string perf_map;          ///< file for the names of translated code, as perf reads them; may be empty
};

enum class ClockMode : u8 {
  Virtual,  ///< time is the instruction count: same inputs and seed, same run
  Wall,     ///< time is the host's
};

/// `thp` of the modelled host under El2Mode::Kvm.
enum class ThpMode : u8 { Never, Always };

/// How a device's accesses to memory relate to the caches. The device tree says the same.
enum class DmaKind : u8 {
  Coherent,     ///< they snoop: under a hypervisor they are the VMM's own, through its cacheable alias
  NonCoherent,  ///< they go to the point of coherency, around all caches, as those of a device that a guest is given
};

/// A disk image of the host as a virtio block device.
struct DriveConfig {
  std::string path;
  bool read_only = false;
  bool raw = false;  ///< whatever its contents look like
  std::optional<DmaKind> dma;
};

/// A port of the host that leads into the guest.
struct ForwardConfig {
  bool udp = false;
  std::string host_address = "127.0.0.1";
  u16 host_port = 0;
  std::string guest_address = "10.0.2.15";
  u16 guest_port = 0;
};

/// A network card on a network in user space.
struct NetConfig {
  std::vector<ForwardConfig> forwards;
  std::optional<DmaKind> dma;
};

/// A folder of the host that the guest can mount by its tag.
struct ShareConfig {
  std::string path;
  std::string tag = "share";
  bool read_only = false;
  std::optional<DmaKind> dma;
};

/// Where the guest's virtio entropy device gets its bytes.
enum class RngMode : u8 { Seeded, Host, None };

/// Which console of the guest the keys go to; the output of all is shown.
enum class ConsoleDevice : u8 { Pl011, Virtio, Semihosting };

/// Answers to HLT #0xF000.
struct SemihostingConfig {
  std::string folder;  ///< whose files the guest may open; empty: none
  bool read_only = false;
};

struct MachineConfig {
  u64 memory = u64{1} << 30;        ///< bytes of guest RAM; a multiple of 2 MiB
  u32 cpus = 1;                     ///< 1..8
  u32 pcpus = 0;                    ///< physical cores, 1..8, under El2Mode::Kvm; 0: one for each vCPU
  std::optional<u64> migrate_seed;  ///< vCPUs move between physical cores; without: vCPU i stays on core i mod pcpus
  std::string serial2;      ///< path for the output of a second PL011, "null" for nowhere, or empty: there is none
  u32 gic = 3;              ///< version of the interrupt controller: 2 or 3
  std::string cpu = "max";  ///< a name from cpu_models()
  u64 seed = 0;
  El2Mode el2 = El2Mode::Kvm;
  std::string policy = "k6.1";       ///< name of a cache strategy or an era: hyp::policies()
  std::vector<std::string> without;  ///< pieces that are left out of it, P1 to P8
  std::string icache;                ///< "eager" or "lazy"; empty: as the policy has it
  std::string cmo_ro;                ///< cache operations on read-only slots: hyp::CmoRule; empty: as the policy has it
  /// Changes single switches of the policy, to see what each is good for. May be empty.
  std::function<void(hyp::Policy&)> change_policy;
  std::string cache = "off";       ///< profile: off, coherent, model, adversarial
  std::string cache_config;        ///< path: a geometry in the format of docs/caches.md; empty: that of the CPU
  std::optional<CodeMode> code;    ///< only without modelled caches; empty: Coherent
  std::vector<std::string> knobs;  ///< name=value, applied to the profile in this order; also of TLBs
  ThpMode thp = ThpMode::Always;
  Engine engine = Engine::Fastest;
  JitConfig jit;
  ClockMode clock = ClockMode::Virtual;
  u64 max_instructions = 0;         ///< stop after so many, all cores together; 0: no limit
  std::string kernel;               ///< path: Image, gzip'd Image or ELF
  std::string initrd;               ///< path, or empty
  std::string dtb;                  ///< path, or empty for the machine's own
  std::string append;               ///< kernel command line
  std::string bios;                 ///< path: firmware in flash bank 0, which starts instead of the kernel
  std::string pflash;               ///< path: flash bank 1, kept
  DmaKind dma = DmaKind::Coherent;  ///< of virtio devices that do not say otherwise
  std::vector<DriveConfig> drives;
  std::optional<NetConfig> net;
  std::vector<ShareConfig> shares;
  bool balloon = false;
  RngMode rng = RngMode::Seeded;
  ConsoleDevice console = ConsoleDevice::Pl011;
  std::optional<SemihostingConfig> semihosting;
};

/// How the machine talks to the outside world. Any of them may be empty.
struct Console {
  /// A byte that the guest sent through the PL011.
  std::function<void(u8)> output;
  /// Called every few milliseconds of host time, and while idle: delivers input by Machine::console_input, may request
  /// a stop.
  std::function<void()> poll;
  /// The machine is idle for `ns` nanoseconds of guest time: waits for them, or less when input arrives, and returns
  /// how many have passed. Empty: idle time is skipped.
  std::function<u64(u64 ns)> idle;
  /// A semihosting call needs input: waits a few milliseconds for it and delivers it; false when there will be none.
  std::function<bool()> wait_input;
};

/// Why a run ended.
enum class StopCause : u8 {
  PowerOff,
  Exit,   ///< semihosting's SYS_EXIT: see RunResult::status
  Reset,  ///< PSCI SYSTEM_RESET
  Quit,   ///< Machine::request_stop
  InstructionLimit,
  Checkpoint,  ///< Machine::set_checkpoint
  Idle,        ///< every core waits and nothing can wake one
  RunError,    ///< the hypervisor gave up: see RunResult::text
};

struct RunResult {
  StopCause cause = StopCause::PowerOff;
  std::string text;  ///< one line for people where the cause needs it
  u32 status = 0;    ///< StopCause::Exit: what the guest asks for
};

}  // namespace farside::machine
