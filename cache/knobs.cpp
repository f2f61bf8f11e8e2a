// cache/knobs.cpp - the table of knobs and the profiles.
#include "cache/knobs.h"

#include <fmt/format.h>

#include "core/base/knob.h"

namespace farside::cache {
namespace {

constexpr std::string_view kSwitch[] = {"off", "on"};
constexpr std::string_view kSpecFill[] = {"none", "nearby", "any", "adversarial"};
constexpr std::string_view kEvict[] = {"lazy", "random", "oldest", "adversarial"};
constexpr std::string_view kGranule[] = {"bytes", "line"};
constexpr std::string_view kNcHit[] = {"bypass", "lookup", "clean-first", "hostile"};
constexpr std::string_view kC0[] = {"bypass", "hits"};
constexpr std::string_view kIFetch[] = {"pou", "snoop"};
constexpr std::string_view kFetchBuffer[] = {"none", "random", "adversarial"};
constexpr std::string_view kIvac[] = {"invalidate", "clean"};
constexpr std::string_view kSwScope[] = {"private", "l2"};
constexpr std::string_view kWalk[] = {"l1d", "l2", "nc"};
constexpr std::string_view kDma[] = {"device", "snoop"};
constexpr std::string_view kCompletion[] = {"immediate", "dsb"};
constexpr std::string_view kNsh[] = {"snooped", "private"};
constexpr std::string_view kPages[] = {"lines", "whole"};

constexpr u32 kMax = 1'000'000'000;

constexpr KnobRow<Knobs> kRows[] = {
    named_knob<&Knobs::spec_fill>("spec_fill", kSpecFill,
                                  "clean lines that come without an access, through any cacheable alias"),
    number_knob<&Knobs::spec_period>("spec_period", 0, kMax, "instructions per speculative fill of a core, on average"),
    named_knob<&Knobs::evict>("evict", kEvict, "lines that leave a cache without need"),
    number_knob<&Knobs::evict_period>("evict_period", 0, kMax, "instructions per such eviction of a core, on average"),
    named_knob<&Knobs::wb_granule>("wb_granule", kGranule, "what the write-back of a dirty line writes to memory"),
    named_knob<&Knobs::nc_hit>("nc_hit", kNcHit,
                               "an access around the caches whose line is in one; hostile reads lines, writes memory"),
    named_knob<&Knobs::c0_policy>("c0_policy", kC0, "memory mapped Write-Back with SCTLR_ELx.C = 0, line in the L1D"),
    named_knob<&Knobs::ifetch>("ifetch", kIFetch, "snoop: instruction fetches see what every data cache holds"),
    number_knob<&Knobs::icache_refetch>("icache_refetch", 0, kMax,
                                        "instructions per spontaneous refetch of a line, on average; 0: never"),
    number_knob<&Knobs::fetch_ahead>("fetch_ahead", 0, 8, "lines that a miss of the instruction cache brings in ahead"),
    named_knob<&Knobs::fetch_buffer>("fetch_buffer", kFetchBuffer,
                                     "instructions fetched before a store and executed after it, until ISB"),
    named_knob<&Knobs::ivac>("ivac", kIvac, "clean: DC IVAC and DC ISW clean before they invalidate"),
    named_knob<&Knobs::sw_scope>("sw_scope", kSwScope,
                                 "what set/way operations reach: L1D alone, or the shared L2 too"),
    named_knob<&Knobs::walker>("walker", kWalk, "where cacheable table walks look"),
    named_knob<&Knobs::dma>("dma", kDma, "device: coherent or not as each device is; snoop: all devices are coherent"),
    named_knob<&Knobs::write_stream>("write_stream", kSwitch, "stores of whole lines that miss do not allocate in L1D"),
    named_knob<&Knobs::completion>("completion", kCompletion, "when maintenance by an instruction takes effect"),
    named_knob<&Knobs::nsh>("nsh", kNsh, "whether Non-shareable lines take part in coherence among the cores"),
    named_knob<&Knobs::host_alias>("host_alias", kSwitch,
                                   "somebody maps all memory cacheable, so that all of it may be speculated"),
    named_knob<&Knobs::pages>(
        "pages", kPages,
        "whole: pages have no lines until an access could see a difference (faster; not with spec_fill=none)"),
    named_knob<&Knobs::lend>("lend", kSwitch, "off: no fast path for loads and stores, so that histories name each"),
    named_knob<&Knobs::sanitizer>("sanitizer", kSwitch, "off: no golden copy of memory and no findings"),
};

Knobs coherent() {
  Knobs k;
  k.model = Switch::On;
  k.nc_hit = NcHit::Lookup;
  k.ifetch = IFetch::Snoop;
  k.ivac = Ivac::CleanInvalidate;
  k.dma = DmaPath::Snoop;
  return k;
}

Knobs model() {
  Knobs k;
  k.model = Switch::On;
  k.spec_fill = SpecFill::Nearby;
  k.evict = Evict::Random;
  k.wb_granule = WbGranule::Line;
  k.icache_refetch = 5000;
  k.fetch_ahead = 1;
  k.pages = Pages::Whole;
  return k;
}

Knobs adversarial() {
  Knobs k = model();
  k.spec_fill = SpecFill::Adversarial;
  k.evict = Evict::Adversarial;
  k.icache_refetch = 0;
  k.fetch_buffer = FetchBufferUse::Adversarial;
  k.sw_scope = SwScope::Private;
  k.completion = Completion::AtDsb;
  k.nsh = NshSnoop::Private;
  return k;
}

}  // namespace

Result<Knobs, UserError> profile(std::string_view name) {
  if (name == "off") return Knobs{};
  if (name == "coherent") return coherent();
  if (name == "model") return model();
  if (name == "adversarial") return adversarial();
  return UserError{fmt::format("cache profile '{}' is not one of off, coherent, model, adversarial", name)};
}

Result<bool, UserError> set_knob(Knobs& knobs, std::string_view name, std::string_view value) {
  return set_knob_of<Knobs>(kRows, knobs, name, value);
}

std::vector<std::string> print_knobs(const Knobs& knobs) { return print_knobs_of<Knobs>(kRows, knobs); }

std::vector<KnobInfo> knob_table() { return describe_knobs<Knobs>(kRows); }

}  // namespace farside::cache
