// firmware/hyp/policy.cpp - eras from the columns of policy.def; cache strategies and pieces as changes to k6.1.
#include "firmware/hyp/policy.h"

#include <fmt/format.h>

#include <array>

namespace farside::hyp {
namespace {

// ---- Eras ----

/// A policy that can name the enumerators which policy.def writes without their type.
struct Eras : Policy {
  static Policy v7_2012() {
    Policy p{.name = "v7-2012"};
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) p.name = v7_2012;
#include "firmware/hyp/policy.def"
#undef SWITCH
    return p;
  }
  static Policy v8_2014() {
    Policy p{.name = "v8-2014"};
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) p.name = v8_2014;
#include "firmware/hyp/policy.def"
#undef SWITCH
    return p;
  }
  static Policy k6_2() {
    Policy p{.name = "k6.2"};
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) p.name = k6_2;
#include "firmware/hyp/policy.def"
#undef SWITCH
    return p;
  }
};

// ---- Cache strategies: how data of a guest with its caches off and data in the host's caches meet ----

/// Nothing: the guest's caches are the guest's business. All strategies begin here.
Policy none() {
  Policy p{.name = "none"};
  p.fwb = FwbUse::NotUsed;
  for (Piece piece : {Piece::P1, Piece::P2, Piece::P3, Piece::P4}) p = without(p, piece);
  return p;
}

/// HCR.DC makes what the guest thinks to be uncached cacheable. TVM tells when the guest's own attributes count.
Policy dc() {
  Policy p = none();
  p.name = "dc";
  p.default_cacheable = p.trap_vm_registers = true;
  return p;
}

/// Each fault asks stage 1 for the attributes of the access and cleans when it goes around the caches.
Policy par() {
  Policy p = none();
  p.name = "par";
  p.clean_at_map = CleanAtMap::NonCacheable;
  return p;
}

/// The series of January 2014: clean at faults while the caches are off, and flush when they come on.
Policy tvm_2014() {
  Policy p = none();
  p.name = "tvm-2014";
  p.clean_at_map = CleanAtMap::CachesOff;
  p.trap_vm_registers = p.flush_at_cache_enable = true;
  return p;
}

/// January 2015: set/way operations tell that the guest's caches go off, and what is unmapped is cleaned.
Policy setway() {
  Policy p = tvm_2014();
  p.name = "setway";
  p.set_way_tracks_caches = p.flush_at_cache_disable = p.clean_at_unmap = true;
  return p;
}

/// Since 2017 every new mapping is cleaned: all of Linux 6.1 on a CPU without FEAT_S2FWB.
Policy tvm() {
  Policy p{.name = "tvm"};
  p.fwb = FwbUse::NotUsed;
  return p;
}

Policy fwb() {
  Policy p{.name = "fwb"};
  p.fwb = FwbUse::Required;
  return p;
}

constexpr SwitchInfo kSwitches[] = {
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) {#name, text},
#include "firmware/hyp/policy.def"
#undef SWITCH
};

constexpr PieceInfo kPieces[] = {
    {Piece::P1, "P1", "clean and invalidate memory before a stage-2 entry maps it"},
    {Piece::P2, "P2", "clean and invalidate memory after it has been unmapped"},
    {Piece::P3, "P3", "trap the VM registers until the guest's caches are on, and flush the VM when they go on or off"},
    {Piece::P4, "P4", "trap set/way operations, flush the VM, and watch for the caches to come on again"},
    {Piece::P5, "P5", "invalidate the I-cache before an entry lets memory be executed"},
    {Piece::P6, "P6", "unmap all memory, or with FWB invalidate the I-cache, when a vCPU is initialised again"},
    {Piece::P7, "P7", "flush TLB and I-cache of a core that changes between vCPUs of the VM"},
    {Piece::P8, "P8", "HCR_EL2.FB, BSU and SWIO: the guest's local maintenance reaches every core it may have run on"},
};

std::string names_of_policies() {
  std::string names;
  for (const PolicyInfo& info : policies()) names += fmt::format("{}{}", names.empty() ? "" : ", ", info.policy.name);
  return names;
}

struct CmoName {
  std::string_view name;
  CmoRule rule;
};
constexpr CmoName kCmoNames[] = {
    {"skip", CmoRule::Skip}, {"exit", CmoRule::Exit}, {"inject", CmoRule::Inject}, {"perform", CmoRule::Perform}};

Result<CmoRule, UserError> cmo_rule(std::string_view word) {
  for (const CmoName& known : kCmoNames)
    if (known.name == word) return known.rule;
  return UserError{fmt::format("--cmo-ro {}: must be one of skip, exit, inject, perform", word)};
}

}  // namespace

std::span<const PolicyInfo> policies() {
  static const std::array<PolicyInfo, 11> all = {{
      {none(), "no maintenance of data, whatever the guest's caches do"},
      {dc(), "HCR_EL2.DC: accesses of a guest with its MMU off are cacheable"},
      {par(), "each fault asks stage 1 (AT, PAR_EL1), and cleans if the access is not write-back"},
      {tvm_2014(), "clean at faults while the caches are off, trap SCTLR_EL1, flush when they come on (2014)"},
      {setway(), "tvm-2014, and set/way operations are followed, and unmapped memory is cleaned (2015)"},
      {tvm(), "all maintenance of Linux 6.1 for CPUs without FEAT_S2FWB"},
      {fwb(), "HCR_EL2.FWB: stage 2 makes every access cacheable; needs --cpu max"},
      {Eras::v7_2012(), "the rules of KVM/arm as merged in 2012"},
      {Eras::v8_2014(), "the rules of KVM/arm64 in 2014"},
      {Policy{}, "Linux 6.1: fwb where the CPU has it, else tvm"},
      {Eras::k6_2(), "rules that later kernels changed; their parallel faults cannot show here"},
  }};
  return all;
}

std::optional<Policy> find_policy(std::string_view name) {
  for (const PolicyInfo& info : policies())
    if (info.policy.name == name) return info.policy;
  return std::nullopt;
}

std::span<const PieceInfo> policy_pieces() { return kPieces; }

std::optional<Piece> find_piece(std::string_view name) {
  for (const PieceInfo& info : kPieces)
    if (name.size() == 2 && (name[0] == 'P' || name[0] == 'p') && name[1] == info.name[1]) return info.piece;
  return std::nullopt;
}

Policy without(Policy p, Piece piece) {
  switch (piece) {
    case Piece::P1:
      p.clean_at_map = CleanAtMap::Never;
      p.clean_at_change_pte = false;
      break;
    case Piece::P2: p.clean_at_unmap = false; break;
    case Piece::P3: p.trap_vm_registers = p.flush_at_cache_enable = p.flush_at_cache_disable = false; break;
    case Piece::P4: p.set_way_tracks_caches = false; break;
    case Piece::P5: p.invalidate_icache = false; break;
    case Piece::P6: p.unmap_at_reset = false; break;
    case Piece::P7: p.flush_between_vcpus = false; break;
    case Piece::P8: p.guest_maintenance_broadcasts = false; break;
  }
  return p;
}

Result<Policy, UserError> compose_policy(const PolicyChoice& choice) {
  auto policy = find_policy(choice.name);
  if (!policy) return UserError{fmt::format("--policy {}: must be one of {}", choice.name, names_of_policies())};
  for (const std::string& name : choice.without) {
    const auto piece = find_piece(name);
    if (!piece) return UserError{fmt::format("--without {}: the pieces are P1 to P8; --policy help lists them", name)};
    policy = without(*policy, *piece);
  }
  if (!choice.icache.empty()) {
    if (choice.icache != "eager" && choice.icache != "lazy")
      return UserError{fmt::format("--icache {}: must be eager or lazy", choice.icache)};
    policy->execute_never_by_default = choice.icache == "lazy";
  }
  if (!choice.cmo_ro.empty()) policy->cmo = TRY(cmo_rule(choice.cmo_ro));
  return *policy;
}

std::span<const SwitchInfo> policy_switches() { return kSwitches; }

}  // namespace farside::hyp
