// frontends/scenario/names.cpp - tables of names.
#include "frontends/scenario/names.h"

#include <algorithm>
#include <cctype>

#include "core/arch/sysreg.h"
#include "core/base/bits.h"
#include "frontends/scenario/words.h"

namespace farside::scenario {
namespace {

struct FieldRow {
  std::string_view reg, field;
  u8 hi, lo;
};
// Registers of several ELs share a row: the name is that without _ELx.
constexpr FieldRow kFields[] = {
    {"SCTLR", "M", 0, 0},     {"SCTLR", "A", 1, 1},      {"SCTLR", "C", 2, 2},      {"SCTLR", "I", 12, 12},
    {"SCTLR", "DZE", 14, 14}, {"SCTLR", "UCT", 15, 15},  {"SCTLR", "WXN", 19, 19},  {"SCTLR", "SPAN", 23, 23},
    {"SCTLR", "UCI", 26, 26}, {"HCR", "VM", 0, 0},       {"HCR", "SWIO", 1, 1},     {"HCR", "PTW", 2, 2},
    {"HCR", "FB", 9, 9},      {"HCR", "BSU", 11, 10},    {"HCR", "DC", 12, 12},     {"HCR", "TWI", 13, 13},
    {"HCR", "TWE", 14, 14},   {"HCR", "TSC", 19, 19},    {"HCR", "TSW", 22, 22},    {"HCR", "TPCP", 23, 23},
    {"HCR", "TPU", 24, 24},   {"HCR", "TVM", 26, 26},    {"HCR", "TGE", 27, 27},    {"HCR", "TDZ", 28, 28},
    {"HCR", "TRVM", 30, 30},  {"HCR", "RW", 31, 31},     {"HCR", "CD", 32, 32},     {"HCR", "ID", 33, 33},
    {"HCR", "FWB", 46, 46},   {"TCR", "T0SZ", 5, 0},     {"TCR", "EPD0", 7, 7},     {"TCR", "IRGN0", 9, 8},
    {"TCR", "ORGN0", 11, 10}, {"TCR", "SH0", 13, 12},    {"TCR", "TG0", 15, 14},    {"TCR", "EPD1", 23, 23},
    {"TCR", "HA", 39, 39},    {"TCR", "HD", 40, 40},     {"ESR", "EC", 31, 26},     {"ESR", "IL", 25, 25},
    {"ESR", "ISS", 24, 0},    {"ESR", "FSC", 5, 0},      {"ESR", "WnR", 6, 6},      {"ESR", "S1PTW", 7, 7},
    {"ESR", "CM", 8, 8},      {"ESR", "ISV", 24, 24},    {"PAR", "F", 0, 0},        {"PAR", "FST", 6, 1},
    {"PAR", "PTW", 8, 8},     {"PAR", "S", 9, 9},        {"PAR", "PA", 47, 12},     {"PAR", "SH", 8, 7},
    {"PAR", "ATTR", 63, 56},  {"TTBR0", "ASID", 63, 48}, {"TTBR0", "BADDR", 47, 1}, {"VTTBR", "VMID", 63, 48},
    {"CTR", "IDC", 28, 28},   {"CTR", "DIC", 29, 29},    {"CTR", "L1Ip", 15, 14},
};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The register called so, or so with the EL that is meant: EL1 first, as a guest's software would.
std::optional<SysReg> find_short(const std::string& name) {
  for (const char* el : {"", "_EL1", "_EL2", "_EL0"}) {
    if (const auto reg = find_sysreg(name + el)) return reg;
  }
  return std::nullopt;
}

const FieldRow* find_field(SysReg reg, std::string_view field) {
  std::string_view base = sysreg_info(reg).name;
  base = base.substr(0, base.rfind("_EL"));
  for (const FieldRow& row : kFields) {
    if (row.reg == base && lower(row.field) == lower(field)) return &row;
  }
  return nullptr;
}

struct CountRow {
  std::string_view name;
  u64 hyp::Stats::*member;
};
#define COUNT(name) \
  { #name, &hyp::Stats::name }
constexpr CountRow kCounts[] = {
    COUNT(entries),        COUNT(replays),         COUNT(mmio_kernel),     COUNT(mmio_vmm),
    COUNT(mmio_nisv),      COUNT(aborts_injected), COUNT(undefs_injected), COUNT(cmo_skipped),
    COUNT(s2_map),         COUNT(s2_relax),        COUNT(s2_mkyoung),      COUNT(s2_unmap),
    COUNT(s2_wrprotect),   COUNT(s2_split),        COUNT(s2_collapse),     COUNT(s2_break),
    COUNT(table_pages),    COUNT(tlbi_ipa),        COUNT(tlbi_vmid),       COUNT(tlbi_local),
    COUNT(tlbi_all),       COUNT(dc_civac),        COUNT(dc_civac_bytes),  COUNT(ic_ivau),
    COUNT(ic_all),         COUNT(flush_vm),        COUNT(toggle_cache),    COUNT(set_way),
    COUNT(vmid_rollovers), COUNT(notifier_unmaps), COUNT(cow_breaks),      COUNT(demand_zero),
    COUNT(huge_faults),
};
#undef COUNT

constexpr std::string_view kFaultTypes[] = {"translation", "access_flag", "permission", "other"};
constexpr std::string_view kFaultAccesses[] = {"read", "write", "exec", "walk"};

std::optional<u64> fault_count(const hyp::Stats& stats, std::string_view name) {
  for (usize type = 0; type < std::size(kFaultTypes); ++type) {
    if (!name.starts_with(kFaultTypes[type])) continue;
    std::string_view access = name.substr(kFaultTypes[type].size());
    u64 sum = 0;
    for (u64 n : stats.faults[type]) sum += n;
    if (access.empty()) return sum;
    for (usize i = 0; i < std::size(kFaultAccesses); ++i) {
      if (access.substr(1) == kFaultAccesses[i]) return stats.faults[type][i];
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<RegisterName> find_register(std::string_view text) {
  RegisterName reg{.text = std::string(text)};
  if (text == "sp") return reg.kind = RegisterName::Kind::Sp, reg;
  if (text == "pc") return reg.kind = RegisterName::Kind::Pc, reg;
  if (text == "el") return reg.kind = RegisterName::Kind::El, reg;
  if (text.size() > 1 && text[0] == 'x') {
    const auto n = decimal_of(text.substr(1));
    if (n && *n <= 30) return reg.number = static_cast<unsigned>(*n), reg;
  }
  reg.kind = RegisterName::Kind::System;
  const usize dot = text.find('.');
  const auto found = find_short(upper(text.substr(0, dot)));
  if (!found) return std::nullopt;
  reg.number = static_cast<unsigned>(*found);
  if (dot == std::string_view::npos) return reg;
  const FieldRow* field = find_field(*found, text.substr(dot + 1));
  if (field == nullptr) return std::nullopt;
  reg.hi = field->hi;
  reg.lo = field->lo;
  return reg;
}

std::optional<u64> esr_field(Esr esr, std::string_view field) {
  const IssAbort iss = IssAbort::of(esr[Esr::ISS]);
  if (field == "ec") return static_cast<u64>(esr[Esr::EC]);
  if (field == "il") return esr[Esr::IL];
  if (field == "iss") return esr[Esr::ISS];
  if (field == "fsc") return iss[IssAbort::FSC];
  if (field == "wnr") return iss[IssAbort::WnR];
  if (field == "cm") return iss[IssAbort::CM];
  if (field == "s1ptw") return iss[IssAbort::S1PTW];
  if (field == "isv") return iss[IssAbort::ISV];
  if (field == "srt") return iss[IssAbort::SRT];
  if (field == "sas") return iss[IssAbort::SAS];
  if (field == "ea") return iss[IssAbort::EA];
  return std::nullopt;
}

std::optional<u8> find_ec(std::string_view name) {
  for (unsigned ec = 0; ec < 64; ++ec) {
    const std::string known = lower(ec_name(static_cast<Ec>(ec)));
    if (known == name && !known.empty()) return static_cast<u8>(ec);
  }
  return std::nullopt;
}

std::optional<u64> find_fsc(std::string_view text) {
  if (text == "alignment") return 0x21;
  if (text == "external") return 0x10;
  constexpr std::string_view kKinds[] = {"address_size", "translation", "access_flag", "permission"};
  const usize slash = text.find('/');
  for (usize kind = 0; kind < std::size(kKinds); ++kind) {
    if (text.substr(0, slash) != kKinds[kind] || slash == std::string_view::npos) continue;
    const auto level = decimal_of(text.substr(slash + 1));
    if (level && *level <= 3) return kind << 2 | *level;
  }
  return hex_of(text);
}

std::optional<u64> hyp_count(const hyp::Stats& stats, std::string_view name) {
  for (const CountRow& row : kCounts) {
    if (row.name == name) return stats.*row.member;
  }
  if (name == "faults") return stats.fault_count();
  if (name == "mapped_2m") return stats.mapped[2];
  if (name == "mapped_4k") return stats.mapped[3];
  if (name.starts_with("fault_")) return fault_count(stats, name.substr(6));
  if (!name.starts_with("exit_")) return std::nullopt;
  const auto ec = find_ec(name.substr(5));
  return ec ? std::optional(stats.exits_by_ec[*ec]) : std::nullopt;
}

}  // namespace farside::scenario
