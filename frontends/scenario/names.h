// frontends/scenario/names.h - the vocabulary of scenarios: registers and their fields, exception classes, fault codes,
// counters.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/arch/esr.h"
#include "firmware/hyp/stats.h"
#include "frontends/scenario/scenario.h"

namespace farside::scenario {

/// `x3`, `sp`, `pc`, `el`; a system register as the Arm ARM spells it in any case, without `_EL1`, `_EL2` or `_EL0`
/// where that is clear; with `.field` behind it where the table knows the field.
std::optional<RegisterName> find_register(std::string_view text);

/// A field of ESR_EL2 as an exit is described: ec, il, iss, fsc, wnr, cm, s1ptw, isv, srt, sas, ea; nothing if unknown.
std::optional<u64> esr_field(Esr esr, std::string_view field);
/// `dabt_low`, `iabt_low`, `sys64`, `hvc64`, `wfx`, ...: the kernel's names in small letters.
std::optional<u8> find_ec(std::string_view name);
/// `translation/3`, `permission/2`, `access_flag/3`, `address_size/0`, `alignment`, `external`.
std::optional<u64> find_fsc(std::string_view text);

/// A counter of firmware/hyp/stats.h by its name there. Faults are `fault_TYPE_ACCESS`, exits `exit_EC`.
std::optional<u64> hyp_count(const hyp::Stats& stats, std::string_view name);

}  // namespace farside::scenario
