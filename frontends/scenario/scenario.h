// frontends/scenario/scenario.h - a scenario as plain structs: what parse.cpp makes of a file and run.cpp executes.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/types.h"

namespace farside::scenario {

/// `key=value` of a machine or variant line.
struct Setting {
  std::string key, value;
  unsigned line = 0;
};

/// One way to run the file. Its settings come after those of the machine line.
struct Variant {
  std::string name, title;
  std::vector<Setting> settings;
  std::optional<bool> fixed;  ///< `fix=on` or `fix=off`: which half of a museum exhibit this is
};

/// Which address space a number is in. With el2=none an IPA is a physical address.
enum class Space : u8 { Va, Ipa, Pa };
struct Place {
  Space space = Space::Ipa;
  u64 value = 0;
};

/// A memory slot beside slot 0, which is the RAM of the machine line.
struct SlotLine {
  u32 id = 0;
  u64 ipa = 0, size = 0;
  bool read_only = false, log = false;
};

/// One mapping that the runner writes into tables of its own.
struct MapLine {
  bool stage2 = false;
  u64 from = 0, to = 0, size = 0;
  bool r = false, w = false, x = false, el0 = false;
  bool ng = false, af = true;
  std::string type;  ///< wb, wt, nc, device
  unsigned line = 0;
};

/// Instructions. An image is not in memory at the start: `host load` and `ram load` bring it there.
struct CodeBlock {
  std::string name;
  u64 address = 0;  ///< an IPA; with stage 1 off the PC is the same number
  bool image = false;
  std::vector<u32> words;
};

/// A general, special or system register, or a field of a system register.
struct RegisterName {
  enum class Kind : u8 { X, Sp, Pc, El, System } kind = Kind::X;
  unsigned number = 0;  ///< of X, or of the SysReg
  unsigned hi = 63, lo = 0;
  std::string text;
};

// ---- Steps ----

struct SetRegisters {
  unsigned cpu = 0;
  std::vector<std::pair<RegisterName, u64>> values;
};

/// One ending of a `run` step.
struct Until {
  enum class What : u8 { Pc, Hvc, Brk, Exit, Exception, Off, Instructions } what = What::Pc;
  u64 number = 0;
};
struct RunCpu {
  unsigned cpu = 0;
  std::vector<Until> until;
};

/// Who acts on memory, and how.
enum class Agent : u8 {
  Host,         ///< the VMM, through its cacheable alias on the host's core
  Ram,          ///< a store around all caches, as an uncached mapping on core 0 makes it
  Line,         ///< a cacheable access of a core: the line is in its L1D afterwards
  Fetch,        ///< an instruction fetch of a core: the line is in its L1I afterwards
  Device,       ///< non-coherent DMA
  CoherentDma,  ///< DMA that snoops
};
struct WriteMemory {
  Agent agent = Agent::Host;
  unsigned core = 0;
  Place place;
  unsigned size = 8;  ///< bytes of each value: 1, 2, 4 or 8
  std::vector<u64> values;
  bool clean = false;  ///< Line: the line is clean afterwards
};
struct ReadMemory {
  Agent agent = Agent::Host;
  unsigned core = 0;
  Place place;
  unsigned size = 8;
  std::string name;  ///< for `expect NAME = VALUE`; may be empty
};
/// Maintenance by the host's core (the hypervisor or the VMM), by address.
struct Maintain {
  enum class What : u8 { Clean, CleanPou, Invalidate, CleanInvalidate, ICache } what = What::Clean;
  Place place;
  u64 size = 64;
};
/// "Fill this line now" and "this line leaves now".
struct Speculate {
  std::optional<unsigned> core;  ///< without: the host's
  Place place;
};
struct Evict {
  Place place;
};

/// What the host's kernel or the VMM process does to the memory behind an IPA.
struct HostAction {
  enum class What : u8 { Munmap, Remap, Discard, Protect, SwapOut, Fork, Merge, Move, Collapse, Age } what{};
  Place place, other;
  u64 size = 4096;
  bool writable = false;
};
/// KVM_SET_USER_MEMORY_REGION and the dirty log.
struct SlotAction {
  enum class What : u8 { Add, Delete, Move, Log, Harvest } what{};
  SlotLine slot;
};
/// KVM_ARM_VCPU_INIT, then an entry at `entry`.
struct InitVcpu {
  unsigned cpu = 0;
  u64 entry = 0;
};
struct Migrate {
  unsigned cpu = 0, pcpu = 0;
};
struct LoadImage {
  bool host = true;  ///< else around the caches
  u32 block = 0;     ///< index into Scenario::code
};

// ---- Expectations ----

struct ExpectRegister {
  unsigned cpu = 0;
  RegisterName reg;
};
struct ExpectNamed {
  std::string name;
};
/// Memory as somebody sees it, or one copy of it.
struct ExpectMemory {
  enum class View : u8 { Ram, Coherent, L1d, L1i, L2, Host } view{};
  unsigned core = 0;
  Place place;
  unsigned size = 8;
  enum class Copy : u8 { Any, Clean, Dirty, Absent } copy = Copy::Any;
};
/// Exits to EL2 that have been recorded since the start: how many have these fields.
struct ExpectExits {
  std::optional<u8> ec;
  std::vector<std::pair<std::string, u64>> fields;
  bool any = true;  ///< at least one; else compare the count
};
struct ExpectCount {
  std::string name;
};
/// Findings of the sanitizer: at least one, or none.
struct ExpectReport {
  bool none = false;
  std::string finding;  ///< empty with `none`: the six classes that are errors
  std::optional<Place> place;
};
/// A stage-2 leaf, or none.
struct ExpectStage2 {
  Place place;
  bool mapped = true;
  std::string rights;  ///< as "r-x"; empty: any
  u64 size = 0;        ///< 0: any
};

enum class Compare : u8 { Equal, NotEqual, AtLeast, AtMost, OneOf };
struct Expect {
  bool some_seed = false;  ///< holds for some seed; else for all
  std::variant<ExpectRegister, ExpectNamed, ExpectMemory, ExpectExits, ExpectCount, ExpectReport, ExpectStage2> what;
  Compare compare = Compare::Equal;
  std::vector<u64> values;
};

using Act = std::variant<SetRegisters, RunCpu, WriteMemory, ReadMemory, Maintain, Speculate, Evict, HostAction,
                         SlotAction, InitVcpu, Migrate, LoadImage, Expect>;
struct Step {
  unsigned line = 0;
  std::string text;                   ///< as the file has it, for --explain
  std::string note;                   ///< the comment lines before it
  std::vector<std::string> variants;  ///< empty: all
  Act act;
};

struct Scenario {
  std::string file, title;
  std::string story, source;  ///< of museum exhibits
  std::vector<Setting> machine;
  std::vector<u64> seeds{0};
  std::vector<Variant> variants;
  std::vector<std::pair<std::string, Place>> names;  ///< from `let`
  std::vector<SlotLine> slots;
  std::vector<MapLine> maps;
  std::vector<CodeBlock> code;
  std::vector<Step> steps;
};

}  // namespace farside::scenario
