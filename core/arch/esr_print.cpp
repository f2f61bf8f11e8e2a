// core/arch/esr_print.cpp - views of a syndrome and its description for people.
#include "core/arch/esr.h"

namespace farside {
namespace {

struct EcName {
  Ec ec;
  const char* name;
};

/// The kernel's ESR_ELx_EC_ names, as kvm_exit prints them; the last rows are classes that its list leaves out.
constexpr EcName kEcNames[] = {
    {Ec::UNKNOWN, "UNKNOWN"},
    {Ec::WFX, "WFx"},
    {static_cast<Ec>(0x03), "CP15_32"},
    {static_cast<Ec>(0x04), "CP15_64"},
    {static_cast<Ec>(0x05), "CP14_MR"},
    {static_cast<Ec>(0x06), "CP14_LS"},
    {Ec::FP_ASIMD, "FP_ASIMD"},
    {static_cast<Ec>(0x08), "CP10_ID"},
    {Ec::PAUTH, "PAC"},
    {static_cast<Ec>(0x0c), "CP14_64"},
    {Ec::SVC64, "SVC64"},
    {Ec::HVC64, "HVC64"},
    {Ec::SMC64, "SMC64"},
    {Ec::SYS64, "SYS64"},
    {Ec::SVE, "SVE"},
    {Ec::ERET, "ERET"},
    {static_cast<Ec>(0x1f), "IMP_DEF"},
    {Ec::IABT_LOW, "IABT_LOW"},
    {Ec::IABT_CUR, "IABT_CUR"},
    {Ec::PC_ALIGN, "PC_ALIGN"},
    {Ec::DABT_LOW, "DABT_LOW"},
    {Ec::DABT_CUR, "DABT_CUR"},
    {Ec::SP_ALIGN, "SP_ALIGN"},
    {static_cast<Ec>(0x28), "FP_EXC32"},
    {Ec::FP_EXC64, "FP_EXC64"},
    {Ec::SERROR, "SERROR"},
    {Ec::BREAKPT_LOW, "BREAKPT_LOW"},
    {Ec::BREAKPT_CUR, "BREAKPT_CUR"},
    {Ec::SOFTSTP_LOW, "SOFTSTP_LOW"},
    {Ec::SOFTSTP_CUR, "SOFTSTP_CUR"},
    {Ec::WATCHPT_LOW, "WATCHPT_LOW"},
    {Ec::WATCHPT_CUR, "WATCHPT_CUR"},
    {static_cast<Ec>(0x38), "BKPT32"},
    {static_cast<Ec>(0x3a), "VECTOR32"},
    {Ec::BRK64, "BRK64"},
    {Ec::BTI, "BTI"},
    {Ec::ILLEGAL_STATE, "ILL"},
    {Ec::FPAC, "FPAC"},
};

struct FscName {
  u8 mask, value;
  const char* name;
};

/// Rows with a level in bits 1:0 have mask 0x3c; first match wins.
constexpr FscName kFscNames[] = {
    {0x3f, 0b101001, "address size fault level -1"},
    {0x3f, 0b101011, "translation fault level -1"},
    {0x3c, 0b000000, "address size fault"},
    {0x3c, 0b000100, "translation fault"},
    {0x3c, 0b001000, "access flag fault"},
    {0x3c, 0b001100, "permission fault"},
    {0x3f, 0b010000, "external abort"},
    {0x3f, 0b010001, "tag check fault"},
    {0x3f, 0b010011, "external abort on walk level -1"},
    {0x3c, 0b010100, "external abort on walk"},
    {0x3f, 0b011000, "parity error"},
    {0x3c, 0b011100, "parity error on walk"},
    {0x3f, 0b100001, "alignment fault"},
    {0x3f, 0b100010, "debug event"},
    {0x3f, 0b110000, "TLB conflict"},
    {0x3f, 0b110001, "unsupported atomic hardware update"},
    {0x3f, 0b110101, "unsupported exclusive or atomic access"},
};

std::string describe_fsc(u8 fsc) {
  for (const FscName& row : kFscNames) {
    if ((fsc & row.mask) != row.value) continue;
    return row.mask == 0x3c ? fmt::format("{} level {}", row.name, fsc & 3) : std::string(row.name);
  }
  return fmt::format("fault status {:#04x}", fsc);
}

bool is_data_abort(Ec ec) { return ec == Ec::DABT_LOW || ec == Ec::DABT_CUR; }
bool is_instruction_abort(Ec ec) { return ec == Ec::IABT_LOW || ec == Ec::IABT_CUR; }
bool is_watchpoint(Ec ec) { return ec == Ec::WATCHPT_LOW || ec == Ec::WATCHPT_CUR; }

std::string describe_abort(Ec ec, IssAbort iss) {
  std::string out = " " + describe_fsc(static_cast<u8>(iss[IssAbort::FSC]));
  if (!is_instruction_abort(ec)) out += iss[IssAbort::WnR] ? ", write" : ", read";
  if (iss[IssAbort::CM]) out += ", cache maintenance or AT";
  if (iss[IssAbort::S1PTW]) out += ", s1ptw";
  if (iss[IssAbort::EA]) out += ", ea";
  if (iss[IssAbort::FnV]) out += ", far not valid";
  if (is_data_abort(ec) && iss[IssAbort::ISV]) {
    out += fmt::format(", {} byte{} {}{}{}{}", 1u << iss[IssAbort::SAS], iss[IssAbort::SAS] == 0 ? "" : "s",
                       iss[IssAbort::SF] ? "x" : "w", iss[IssAbort::SRT], iss[IssAbort::SSE] ? " signed" : "",
                       iss[IssAbort::AR] ? " ordered" : "");
  }
  return out;
}

std::string describe_sys(IssSys iss) {
  return fmt::format(" {} s{}_{}_c{}_c{}_{} x{}", iss[IssSys::Direction] ? "read" : "write", iss[IssSys::Op0],
                     iss[IssSys::Op1], iss[IssSys::CRn], iss[IssSys::CRm], iss[IssSys::Op2], iss[IssSys::Rt]);
}

}  // namespace

std::optional<IssAbort> Esr::abort() const {
  const Ec ec = (*this)[EC];
  if (!is_data_abort(ec) && !is_instruction_abort(ec) && !is_watchpoint(ec)) return std::nullopt;
  return IssAbort::of((*this)[ISS]);
}

std::optional<IssSys> Esr::sys() const {
  if ((*this)[EC] != Ec::SYS64) return std::nullopt;
  return IssSys::of((*this)[ISS]);
}

const char* ec_name(Ec ec) {
  for (const EcName& row : kEcNames) {
    if (row.ec == ec) return row.name;
  }
  return "?";
}

std::string describe(Esr esr) {
  const Ec ec = esr[Esr::EC];
  std::string out = ec_name(ec);
  if (out == "?") out = fmt::format("EC {:#04x}", static_cast<unsigned>(ec));
  if (const auto abort = esr.abort()) return out + describe_abort(ec, *abort);
  if (const auto sys = esr.sys()) return out + describe_sys(*sys);
  if (esr[Esr::ISS] != 0) out += fmt::format(" iss {:#x}", esr[Esr::ISS]);
  return out;
}

}  // namespace farside
