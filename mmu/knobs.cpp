// mmu/knobs.cpp - the table of knobs of translation and TLBs.
#include "mmu/knobs.h"

namespace farside::mmu {
namespace {

constexpr std::string_view kSwitch[] = {"off", "on"};
constexpr std::string_view kReplacement[] = {"round-robin", "random"};
constexpr std::string_view kBbm[] = {"old", "new", "conflict", "amalgam"};
constexpr std::string_view kControls[] = {"at-once", "retained"};
constexpr std::string_view kTtl[] = {"honoured", "ignored"};
constexpr std::string_view kDeviceFetch[] = {"nc", "fault"};
constexpr std::string_view kExclusives[] = {"succeed", "fail", "abort"};

constexpr KnobRow<Knobs> kRows[] = {
    number_knob<&Knobs::entries_log2>("tlb_size", 2, 20, "log2 of the stage-1 and combined entries of a TLB"),
    number_knob<&Knobs::s2_entries_log2>("tlb_ipa_size", 2, 20, "log2 of its stage-2 entries"),
    named_knob<&Knobs::replacement>("tlb_replacement", kReplacement, "which entry of a full set goes"),
    number_knob<&Knobs::evict_period>("tlb_evict", 0, 1'000'000'000,
                                      "fills per entry that goes without need, on average; 0: none does"),
    named_knob<&Knobs::stale_controls>("tlb_controls", kControls,
                                       "retained: entries outlive changes of control bits that a TLB may cache"),
    named_knob<&Knobs::ignore_ttl>("tlb_ttl", kTtl, "whether the level hint of TLBI keeps entries of other levels"),
    named_knob<&Knobs::bbm>("bbm", kBbm, "two entries of different size for one address: no break-before-make"),
    named_knob<&Knobs::device_fetch_faults>("device_fetch", kDeviceFetch, "instruction fetches from Device memory"),
    named_knob<&Knobs::exclusives_nc>("exclusives_nc", kExclusives,
                                      "exclusives on memory that is not Write-Back; with abort atomics too"),
    named_knob<&Knobs::cmo_checks_access_flag>("cmo_access_flag", kSwitch, "DC and IC by VA take Access flag faults"),
    named_knob<&Knobs::ivac_checks_write>("ivac_checks_write", kSwitch,
                                          "DC IVAC needs write permission even where it acts as DC CIVAC"),
    named_knob<&Knobs::hpfar_junk>("hpfar_junk", kSwitch, "HPFAR_EL2 gets a random value whenever it is UNKNOWN"),
};

}  // namespace

Result<bool, UserError> set_knob(Knobs& knobs, std::string_view name, std::string_view value) {
  return set_knob_of<Knobs>(kRows, knobs, name, value);
}

std::vector<std::string> print_knobs(const Knobs& knobs) { return print_knobs_of<Knobs>(kRows, knobs); }

std::vector<KnobInfo> knob_table() { return describe_knobs<Knobs>(kRows); }

}  // namespace farside::mmu
