// cache/knobs.h - what silicon may choose, as named values; profiles are rows.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/knob.h"
#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::cache {

enum class SpecFill : u8 { None, Nearby, Any, Adversarial };    ///< lines allocated without an access
enum class Evict : u8 { Lazy, Random, Oldest, Adversarial };    ///< lines leaving without need
enum class WbGranule : u8 { Bytes, Line };                      ///< what the write-back of a dirty line writes
enum class NcHit : u8 { Bypass, Lookup, CleanFirst, Hostile };  ///< a non-cacheable access whose line is in a cache
enum class C0Policy : u8 { Bypass, Hits };                      ///< SCTLR.C = 0 on memory mapped write-back
enum class IFetch : u8 { Pou, Snoop };                          ///< Snoop: instruction fetches see all data
/// Old instructions that a core executes from its fetch buffer until a context synchronization event: never, by chance,
/// or whenever it may.
enum class FetchBufferUse : u8 { None, Random, Adversarial };
enum class Ivac : u8 { Invalidate, CleanInvalidate };  ///< a true DC IVAC or ISW, or one that always cleans
enum class SwScope : u8 { Private, SharedL2 };         ///< what set/way operations reach
enum class WalkPath : u8 { L1d, L2, NonCacheable };    ///< cacheable table walks
enum class Completion : u8 { Immediate, AtDsb };       ///< when maintenance by an instruction takes effect
enum class NshSnoop : u8 { Snooped, Private };         ///< Non-shareable write-back lines of other cores
enum class Pages : u8 { Lines, Whole };                ///< Whole: no lines until somebody could tell (PageInfo)
enum class DmaPath : u8 { PerDevice, Snoop };          ///< Snoop: all devices are coherent
enum class Switch : u8 { Off, On };

/// The choices of one machine. Every field but `model`, which is the profile's, has a row in knobs.cpp with its name
/// and the names of its values.
struct Knobs {
  Switch model = Switch::Off;  ///< Off: no caches at all, every access is RAM
  SpecFill spec_fill = SpecFill::None;
  u32 spec_period = 2000;  ///< instructions per speculative fill of a core, on average
  Evict evict = Evict::Lazy;
  u32 evict_period = 1000;  ///< instructions per unforced eviction of a core, on average
  WbGranule wb_granule = WbGranule::Bytes;
  NcHit nc_hit = NcHit::Bypass;
  C0Policy c0_policy = C0Policy::Bypass;
  IFetch ifetch = IFetch::Pou;
  u32 icache_refetch = 0;  ///< instructions per replaced line of an instruction
                           ///< cache on average; 0: never
  u32 fetch_ahead = 0;     ///< lines that an instruction cache miss brings in additionally
  Ivac ivac = Ivac::Invalidate;
  SwScope sw_scope = SwScope::SharedL2;
  WalkPath walker = WalkPath::L1d;
  DmaPath dma = DmaPath::PerDevice;
  Switch write_stream = Switch::Off;  ///< On: stores of whole lines that miss do
                                      ///< not allocate in L1
  Completion completion = Completion::Immediate;
  NshSnoop nsh = NshSnoop::Snooped;
  Switch host_alias = Switch::On;  ///< all RAM has a cacheable mapping somewhere
                                   ///< (a host's), so all may be speculated
  Pages pages = Pages::Lines;
  Switch lend = Switch::On;       ///< Off: no pointers are given out, so that
                                  ///< histories name every store
  Switch sanitizer = Switch::On;  ///< Off: no golden copy, no reports
  FetchBufferUse fetch_buffer = FetchBufferUse::None;
  friend bool operator==(const Knobs&, const Knobs&) = default;
};

/// The profiles of `--cache`: off, coherent, model, adversarial.
Result<Knobs, UserError> profile(std::string_view name);
/// Gives the knob `name` a value; false when it is none of these. The error names the values that there are.
Result<bool, UserError> set_knob(Knobs& knobs, std::string_view name, std::string_view value);
/// Every knob as `name=value`, in the order of the table.
std::vector<std::string> print_knobs(const Knobs& knobs);
/// For help.
std::vector<KnobInfo> knob_table();

}  // namespace farside::cache
