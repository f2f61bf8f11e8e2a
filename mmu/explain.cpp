// mmu/explain.cpp - prints the two-stage walk of one address as a tree, reading memory through a peeking port only.
#include "mmu/explain.h"

#include <iterator>

#include "core/arch/esr.h"
#include "mmu/stage_attr.h"

namespace farside::mmu {
namespace {

const char* kind_name(DescriptorKind kind) {
  switch (kind) {
    case DescriptorKind::Invalid: return "invalid";
    case DescriptorKind::Table: return "table";
    case DescriptorKind::Block: return "block";
    case DescriptorKind::Page: return "page";
  }
  return "?";
}

std::string cache_name(const CacheAttr& attr) {
  static constexpr const char* kNames[] = {"nc", "wt", "wb"};
  std::string out = kNames[static_cast<unsigned>(attr.policy)];
  if (attr.policy == Cacheability::NonCacheable) return out;
  return out + (attr.read_allocate ? "-ra" : "") + (attr.write_allocate ? "-wa" : "") +
         (attr.transient ? "-transient" : "");
}

std::string attr_name(const MemAttr& attr) {
  static constexpr const char* kDevice[] = {"device-nGnRnE", "device-nGnRE", "device-nGRE", "device-GRE"};
  static constexpr const char* kShare[] = {"nsh", "?", "osh", "ish"};
  if (attr.is_device()) return kDevice[static_cast<unsigned>(attr.type)];
  const std::string caches =
      attr.inner == attr.outer ? cache_name(attr.inner) : cache_name(attr.inner) + "/" + cache_name(attr.outer);
  return "normal " + caches + " " + kShare[static_cast<unsigned>(attr.shareability)];
}

std::string size_name(unsigned log2) {
  static constexpr const char* kUnits[] = {"", "K", "M", "G", "T"};
  return fmt::format("{}{}", 1u << log2 % 10, kUnits[log2 / 10]);
}

std::string rwx(const Prot& prot) {
  return fmt::format("{}{}{}", prot.read ? 'r' : '-', prot.write ? 'w' : '-', prot.execute ? 'x' : '-');
}

std::string s1_fields(u64 d, bool two_privileges) {
  std::string out;
  const auto flag = [&](bool on, const char* name) {
    if (on) out += std::string(" ") + name;
  };
  out += fmt::format(" attrindx={} ap={} sh={} af={}", S1Leaf::ATTR_INDX.get(d), bits(d, 7, 6), Descriptor::SH.get(d),
                     int{Descriptor::AF.get(d)});
  flag(S1Leaf::nG.get(d), "ng");
  flag(S1Leaf::UXN.get(d), two_privileges ? "uxn" : "xn");
  flag(two_privileges && S1Leaf::PXN.get(d), "pxn");
  flag(Descriptor::DBM.get(d), "dbm");
  flag(Descriptor::CONTIGUOUS.get(d), "contiguous");
  flag(S1Leaf::GP.get(d), "gp");
  return out;
}

std::string s2_fields(u64 d) {
  std::string out = fmt::format(" memattr={:#x} s2ap={}{} sh={} af={} xn={}", S2Leaf::MEM_ATTR.get(d),
                                S2Leaf::S2AP_R.get(d) ? "r" : "-", S2Leaf::S2AP_W.get(d) ? "w" : "-",
                                Descriptor::SH.get(d), int{Descriptor::AF.get(d)}, S2Leaf::XN.get(d));
  if (Descriptor::DBM.get(d)) out += " dbm";
  if (Descriptor::CONTIGUOUS.get(d)) out += " contiguous";
  return out;
}

std::string table_fields(u64 d, int stage) {
  if (stage == 2) return {};
  std::string out;
  if (S1Table::PXN.get(d)) out += " pxntable";
  if (S1Table::UXN.get(d)) out += " uxntable";
  if (bits(d, 62, 61) != 0) out += fmt::format(" aptable={}", bits(d, 62, 61));
  return out;
}

/// Writes the tree; one instance per explanation.
class Explainer {
 public:
  Explainer(const Regime& regime, const Access& access, DescriptorPort& port)
      : regime_(regime), access_(access), port_(port) {}

  std::string run(Va va) {
    const bool upper = regime_.two_ranges && bit(va.value, 55);
    const VaRange& range = regime_.range[upper];
    line(0, "{} el{} {}{}", va, number(access_.el), intent(), regime_.s1_enabled ? "" : ", stage 1 off");
    u64 input = va.value;
    if (range.tbi && !(access_.is_fetch() && range.tbid)) {
      input = regime_.two_ranges ? static_cast<u64>(sign_extend(input, 56)) : input & ones(56);
    }
    explain_from(range, upper, input);
    return out_;
  }

 private:
  struct Tables {
    Explainer& self;
    const WalkParams& params;
    int depth;
    bool read(u64 address, int level, u64& value) { return self.read_table(params, depth, address, level, value); }
  };

  template <class... Args>
  void line(int depth, fmt::format_string<Args...> format, Args&&... args) {
    out_.append(static_cast<usize>(depth) * 2, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  const char* intent() const {
    const Needs needs = needs_of(access_);
    return needs.execute ? "fetch" : needs.write ? "write" : "read";
  }
  void fault(int depth, int stage, FaultKind kind, int level) {
    Fault fault;
    fault.kind = kind;
    fault.level = static_cast<i8>(level);
    const std::string text = describe(esr_for_fault(fault, true));
    line(depth, "fault: stage {}{}", stage, text.substr(text.find(' '), text.find(',') - text.find(' ')));
  }

  void explain_from(const VaRange& range, bool upper, u64 input) {
    u64 ipa = input;
    MemAttr attr = regime_.off_attr[access_.is_fetch()];
    Prot prot{true, true, true};
    if (regime_.s1_enabled) {
      if (!stage1(range, upper, input, ipa, attr, prot)) return;
    } else if (input >> regime_.pa_bits != 0) {
      return fault(1, 1, FaultKind::AddressSize, 0);
    }
    u64 pa = ipa;
    if (regime_.s2_enabled) {
      line(1, "stage 2 of {}", Ipa{ipa});
      Prot s2_allows;
      const Purpose purpose = access_.is_fetch() ? Purpose::Fetch : Purpose::Data;
      if (!stage2(2, ipa, attr, purpose, pa, attr, s2_allows)) return;
      prot = {prot.read && s2_allows.read, prot.write && s2_allows.write, prot.execute && s2_allows.execute};
    }
    line(1, "= {} {} {}", Pa{pa}, attr_name(attr), rwx(prot));
  }

  bool stage1(const VaRange& range, bool upper, u64 input, u64& ipa, MemAttr& attr, Prot& prot) {
    const WalkParams& params = range.walk;
    if (params.bad_config || (upper ? ~input : input) >> params.ia_bits != 0 || (range.e0pd && access_.el == El::EL0)) {
      return fault(1, 1, FaultKind::Translation, 0), false;
    }
    line(1, "stage 1 ttbr{} {}K granule, {} bits, level {}", int{upper}, page_size(params.granule) / 1024,
         params.ia_bits, params.start_level);
    Tables tables{*this, params, 2};
    const WalkResult leaf = walk(params, input, tables);
    if (leaf.fault != FaultKind::None) {
      if (!failed_below_) fault(2, 1, leaf.fault, leaf.level);
      return false;
    }
    const unsigned index = static_cast<unsigned>(S1Leaf::ATTR_INDX.get(leaf.descriptor));
    const MemAttr raw =
        decode_mair(static_cast<u8>(regime_.mair >> (8 * index)), static_cast<u8>(Descriptor::SH.get(leaf.descriptor)));
    attr = s1_attr_for(regime_, raw, access_.is_fetch() ? Purpose::Fetch : Purpose::Data);
    ipa = leaf.output;
    const S1PermControls controls{regime_.two_ranges,     regime_.wxn,    leaf.ap_table_no_el0,
                                  leaf.ap_table_no_write, leaf.uxn_table, leaf.pxn_table};
    const bool dirty_managed = params.hd && Descriptor::DBM.get(leaf.descriptor);
    prot = s1_prot(s1_permissions(leaf.descriptor, controls, dirty_managed), access_);
    line(2, "-> {} {} {} {}", Ipa{ipa}, size_name(leaf.size_log2), attr_name(attr), rwx(prot));
    return judge(2, 1, params, leaf, prot);
  }

  bool stage2(int depth, u64 ipa, const MemAttr& s1, Purpose purpose, u64& pa, MemAttr& attr, Prot& prot) {
    const WalkParams& params = regime_.s2;
    if (params.bad_config || ipa >> params.ia_bits != 0) return fault(depth, 2, FaultKind::Translation, 0), false;
    Tables tables{*this, params, depth};
    const WalkResult leaf = walk(params, ipa, tables);
    if (leaf.fault != FaultKind::None) return fault(depth, 2, leaf.fault, leaf.level), false;
    const bool walker = purpose == Purpose::Walk;
    const bool dirty_managed = params.hd && Descriptor::DBM.get(leaf.descriptor);
    pa = leaf.output;
    prot = s2_prot(s2_permissions(leaf.descriptor, regime_.xnx, dirty_managed), walker ? El::EL1 : access_.el);
    const u8 mem_attr = static_cast<u8>(S2Leaf::MEM_ATTR.get(leaf.descriptor));
    attr = s2_attr_for(regime_, s1, mem_attr, static_cast<u8>(Descriptor::SH.get(leaf.descriptor)), purpose);
    line(depth, "-> {} {} {} {}", Pa{pa}, size_name(leaf.size_log2), attr_name(attr), rwx(prot));
    if (walker && regime_.s2_ptw && s2_is_device(regime_, mem_attr, false)) {
      return fault(depth, 2, FaultKind::Permission, leaf.level), false;
    }
    return judge(depth, 2, params, leaf, prot, walker);
  }

  /// Access flag and permission of a leaf.
  bool judge(int depth, int stage, const WalkParams& params, const WalkResult& leaf, const Prot& prot,
             bool walker = false) {
    if (!Descriptor::AF.get(leaf.descriptor) && !params.ha) {
      return fault(depth, stage, FaultKind::AccessFlag, leaf.level), false;
    }
    const Needs needs = walker ? Needs{.read = true} : needs_of(access_);
    if (satisfies(prot, needs)) return true;
    return fault(depth, stage, FaultKind::Permission, leaf.level), false;
  }

  bool read_table(const WalkParams& params, int depth, u64 address, int level, u64& value) {
    u64 pa = address;
    MemAttr attr = params.attr;
    if (params.stage == 1 && regime_.s2_enabled) {
      line(depth, "level {} table entry at {}: stage 2", level, Ipa{address});
      Prot ignored;
      if (!stage2(depth + 1, address, params.attr, Purpose::Walk, pa, attr, ignored)) {
        failed_below_ = true;
        return false;
      }
    }
    const std::optional<u64> got = port_.read(Pa{pa}, attr);
    if (!got) {
      line(depth, "level {} {}: external abort", level, Pa{pa});
      return false;
    }
    value = *got;
    print_descriptor(params, depth, pa, level, params.big_endian ? __builtin_bswap64(value) : value);
    return true;
  }

  void print_descriptor(const WalkParams& params, int depth, u64 pa, int level, u64 d) {
    const DescriptorKind kind = classify(d, params.granule, level);
    std::string fields;
    if (kind == DescriptorKind::Table) {
      fields =
          fmt::format(" next={}{}",
                      params.stage == 1 && regime_.s2_enabled ? fmt::format("{}", Ipa{table_address(d, params.granule)})
                                                              : fmt::format("{}", Pa{table_address(d, params.granule)}),
                      table_fields(d, params.stage));
    } else if (kind != DescriptorKind::Invalid) {
      fields = params.stage == 1 ? s1_fields(d, regime_.two_ranges) : s2_fields(d);
    }
    line(depth, "level {} {} {:016x} {}{}", level, Pa{pa}, d, kind_name(kind), fields);
  }

  const Regime& regime_;
  const Access& access_;
  DescriptorPort& port_;
  bool failed_below_ = false;  ///< stage 2 of a stage-1 table access has already said why
  std::string out_;
};

}  // namespace

std::string explain(const Regime& regime, Va va, const Access& access, DescriptorPort& port) {
  return Explainer(regime, access, port).run(va);
}

}  // namespace farside::mmu
