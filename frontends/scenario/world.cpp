// frontends/scenario/world.cpp - set-up, access to memory, and the record of exits and findings.
#include "frontends/scenario/world.h"

#include <cstring>

#include "firmware/hyp/host/space.h"
#include "frontends/scenario/autopsy.h"
#include "frontends/scenario/tables.h"
#include "mmu/descriptor.h"

namespace farside::scenario {
namespace {

constexpr u64 kPage = 4096;

std::span<const u8> bytes_of(const u64& value) { return {reinterpret_cast<const u8*>(&value), sizeof value}; }

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const usize end = std::min(text.find('\n'), text.size());
    out += fmt::format("        {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool is_abort(Ec ec) { return ec == Ec::DABT_LOW || ec == Ec::IABT_LOW; }

}  // namespace

/// Sits between the cores and the hypervisor: writes down each exit, then hands it on.
class World::Recorder : public pe::El2Host {
 public:
  Recorder(World& world, pe::El2Host* next) : world_(world), next_(next) {}

  void on_exception_to_el2(pe::Pe& pe) override {
    Exit exit{.cpu = pe.index(),
              .esr = Esr::of(pe.s.sys[SysReg::ESR_EL2]),
              .far = pe.s.sys[SysReg::FAR_EL2],
              .pc = pe.s.sys[SysReg::ELR_EL2]};
    const Ec ec = exit.esr[Esr::EC];
    if (is_abort(ec)) exit.ipa = bits(pe.s.sys[SysReg::HPFAR_EL2], 39, 4) << 12 | (exit.far & (kPage - 1));
    if (is_abort(ec) && world_.tells(Detail::Events) && !repeats(exit)) explain(pe, exit);
    world_.exits.push_back(exit);
    if (ec == Ec::HVC64 && world_.catch_hvc_) {
      world_.hvc_seen_ = true;
      pe.exception_return();
    } else if (next_ != nullptr) {
      next_->on_exception_to_el2(pe);
    } else {
      pe.powered_on = false;  // nobody is at EL2 who could continue
      pe.waiting = true;
    }
  }

 private:
  /// A guest that can only fault does so again and again.
  bool repeats(const Exit& exit) const {
    const usize count = world_.exits.size();
    return count >= 2 && world_.exits[count - 1].pc == exit.pc && world_.exits[count - 2].pc == exit.pc;
  }

  void explain(pe::Pe& pe, const Exit& exit) {
    const auto iss = IssAbort::of(exit.esr[Esr::ISS]);
    Access access;
    access.kind = exit.esr[Esr::EC] == Ec::IABT_LOW ? AccessKind::Fetch
                  : iss[IssAbort::WnR]              ? AccessKind::Write
                                                    : AccessKind::Read;
    world_.say(fmt::format("        exit of cpu{} at pc {:#x}: {}\n", exit.cpu, exit.pc, describe(exit.esr)));
    if (world_.tells(Detail::All)) world_.say(indented(pe.explain(Va{exit.far}, access)));
  }

  World& world_;
  pe::El2Host* next_;
};

World::World(const Scenario& scenario, const VariantConfig& config, Detail detail)
    : scenario_(scenario), bare_(config.bare), piece_(config.piece), detail_(detail) {}
World::~World() = default;

Result<std::unique_ptr<World>, UserError> World::create(const Scenario& scenario, const Variant& variant, u64 seed,
                                                        const Overrides& overrides) {
  VariantConfig config = TRY(make_config(scenario, variant, overrides));
  config.machine.seed = seed;
  std::unique_ptr<World> world(new World(scenario, config, overrides.detail));
  auto machine = machine::Machine::create_bare(config.machine);
  if (!machine) {
    return UserError{fmt::format("{}: variant {}: {}", scenario.file, variant.name, machine.error().message)};
  }
  world->machine_ = std::move(*machine);
  TRY_VOID(world->set_up());
  return world;
}

Result<void, UserError> World::set_up() {
  started_.resize(cpus());
  next_table_ = kGuestRam + machine_->config().memory;
  caches().sanitizer().set_callback([this](const cache::Report& found) { on_report(found); });
  if (machine_->config().el2 == machine::El2Mode::Kvm) {
    recorder_ = std::make_unique<Recorder>(*this, bare_ ? nullptr : core(0).ports.el2_host);
    for (const auto& pe : machine_->cores()) pe->ports.el2_host = recorder_.get();
  }
  if (!bare_) {
    machine_->trace().enable(TraceGroup::Kvm);
    machine_->trace().set_sink([this](const TraceEvent& event) {
      if (event.name == "kvm_guest_fault" && !exits.empty()) exits.back().ipa = event.fields[0].number;
    });
  }
  TRY_VOID(add_slots());
  slots_changed();
  build_tables();
  TRY_VOID(load_code());
  lines_.clear();
  return {};
}

Result<void, UserError> World::add_slots() {
  for (const SlotLine& slot : scenario_.slots) {
    if (vm() == nullptr) return UserError{fmt::format("{}: slot {}: needs el2=kvm", scenario_.file, slot.id)};
    u32 flags = 0;
    if (slot.read_only) flags |= hyp::kMemReadOnly;
    if (slot.log) flags |= hyp::kMemLogDirtyPages;
    if (const auto added = vm()->add_ram(slot.id, Ipa{slot.ipa}, slot.size, flags); !added) {
      return UserError{fmt::format("{}: slot {}: {}", scenario_.file, slot.id, name(added.error()))};
    }
  }
  return {};
}

void World::build_tables() {
  const TableMemory memory{
      .allocate =
          [this] {
            next_table_ -= kPage;
            write_clean(next_table_, std::vector<u8>(kPage));
            return next_table_;
          },
      .read =
          [this](u64 address) {
            u64 value = 0;
            host_read({Space::Ipa, address}, {reinterpret_cast<u8*>(&value), sizeof value});
            return value;
          },
      .write = [this](u64 address, u64 descriptor) { write_clean(address, bytes_of(descriptor)); }};
  for (const MapLine& map : scenario_.maps) {
    if (map.stage2) continue;
    if (s1_root_ == 0) s1_root_ = memory.allocate();
    map_range(memory, s1_root_, map);
  }
  if (bare_) build_stage2();
}

/// The runner's own stage 2: the `s2` lines, and RAM that no line mentions where it lies.
void World::build_stage2() {
  u64 next = kHostRam + machine_->config().memory + (u64{4} << 20);
  auto& board = machine_->board();
  const TableMemory memory{.allocate =
                               [&] {
                                 next += kPage;
                                 board.host_zero(Pa{next - kPage}, kPage);
                                 return next - kPage;
                               },
                           .read =
                               [&](u64 address) {
                                 u64 value = 0;
                                 board.host_read(Pa{address}, {reinterpret_cast<u8*>(&value), sizeof value});
                                 return value;
                               },
                           .write = [&](u64 address, u64 value) { board.host_write(Pa{address}, bytes_of(value)); }};
  s2_root_ = memory.allocate();
  MapLine own{.stage2 = true, .from = next_table_, .to = bare_pa(next_table_)};
  own.size = kGuestRam + machine_->config().memory - next_table_;
  own.r = own.w = true;
  own.type = "wb";
  if (own.size != 0) map_range(memory, s2_root_, own);
  for (const MapLine& map : scenario_.maps) {
    if (map.stage2) map_range(memory, s2_root_, map);
  }
}

Result<void, UserError> World::load_code() {
  for (const CodeBlock& block : scenario_.code) {
    const auto* bytes = reinterpret_cast<const u8*>(block.words.data());
    if (block.image || write_clean(block.address, {bytes, 4 * block.words.size()})) continue;
    return UserError{fmt::format("{}: code {}: {} is not in memory", scenario_.file, block.name, Ipa{block.address})};
  }
  return {};
}

/// As software does that knows its duties: written, and gone from all caches.
bool World::write_clean(u64 ipa, std::span<const u8> bytes) {
  if (!host_write({Space::Ipa, ipa}, bytes)) return false;
  for (u64 done = 0; done < bytes.size(); done += kPage) {
    const auto pa = physical({Space::Ipa, (ipa + done) & ~(kPage - 1)});
    if (pa) maintain({.what = Maintain::What::CleanInvalidate, .place = {}, .size = kPage}, *pa);
  }
  return true;
}

void World::ensure_started(unsigned cpu) {
  if (started_[cpu] || core(cpu).powered_on) return;
  start(cpu, scenario_.code.empty() ? kGuestRam : scenario_.code.front().address);
}

void World::start(unsigned cpu, u64 entry) {
  started_[cpu] = true;
  machine_->start_core(cpu, entry);
  pe::Pe& pe = core(cpu);
  if (bare_) {
    pe.write_register(SysReg::VTCR_EL2, kVtcr);
    pe.write_register(SysReg::VTTBR_EL2, s2_root_ | u64{1} << 48);
    pe.write_register(SysReg::HCR_EL2, u64{1} << 31 | 1);
  }
  if (s1_root_ == 0) return;
  pe.write_register(SysReg::MAIR_EL1, kMair);
  pe.write_register(SysReg::TCR_EL1, kTcr);
  pe.write_register(SysReg::TTBR0_EL1, s1_root_);
}

u64 World::bare_pa(u64 ipa) const {
  for (const MapLine& map : scenario_.maps) {
    if (map.stage2 && ipa - map.from < map.size) return map.to + (ipa - map.from);
  }
  return kHostRam + (ipa - kGuestRam);
}

void World::slots_changed() {
  slots_.clear();
  if (vm() != nullptr) slots_ = vm()->slots();
}

std::optional<u64> World::hva(u64 ipa) {
  for (const hyp::SlotInfo& slot : slots_) {
    if (ipa - slot.guest.value < slot.size) return slot.hva + (ipa - slot.guest.value);
  }
  return std::nullopt;
}

std::optional<hyp::LeafInfo> World::stage2_leaf(u64 ipa) {
  constexpr mmu::Granule kGranule = mmu::Granule::K4;
  const u64 vtcr = vm()->vtcr();
  const auto start = mmu::s2_start_level(kGranule, static_cast<unsigned>(bits(vtcr, 7, 6)), false);
  u64 entry = vm()->table_root().value + 8 * mmu::root_index(kGranule, *start, 64 - bits(vtcr, 5, 0), ipa);
  for (int level = *start;; ++level) {
    u64 descriptor = 0;
    machine_->peek_pa(entry, &descriptor, sizeof descriptor);
    const auto kind = mmu::classify(descriptor, kGranule, level);
    if (kind == mmu::DescriptorKind::Invalid) return std::nullopt;
    if (kind != mmu::DescriptorKind::Table) {
      const u64 size = mmu::level_size(kGranule, level);
      return hyp::LeafInfo{Ipa{align_down(ipa, size)}, Pa{mmu::output_address(descriptor, kGranule, level)}, level,
                           size, descriptor};
    }
    entry = mmu::table_address(descriptor, kGranule) + 8 * mmu::table_index(kGranule, level + 1, ipa);
  }
}

std::optional<Pa> World::physical(Place place) {
  Pa pa{place.value};
  if (place.space == Space::Ipa && bare_) pa = Pa{bare_pa(place.value)};
  if (place.space == Space::Ipa && vm() != nullptr) {
    const auto address = hva(place.value);
    if (!address) return std::nullopt;
    auto frame = vm()->peek(Ipa{place.value});
    const auto pte = vm()->space().lookup(*address);
    if (!frame || pte->zero) {
      if (!vm()->space().fault(*address & ~(kPage - 1), true)) return std::nullopt;
      frame = vm()->peek(Ipa{place.value});
      maintain({.what = Maintain::What::CleanInvalidate, .place = {}, .size = kPage}, frame->align_down(kPage));
    }
    pa = *frame;
  }
  u8 byte;
  if (!machine_->peek_pa(pa.value, &byte, 1)) return std::nullopt;
  if (tells(Detail::All)) lines_.insert(pa.align_down(64).value);
  return pa;
}

bool World::host_write(Place place, std::span<const u8> bytes) {
  if (place.space == Space::Ipa && vm() != nullptr) return vm()->write_guest(Ipa{place.value}, bytes).ok();
  const auto pa = physical(place);
  if (pa) machine_->board().host_write(*pa, bytes);
  return pa.has_value();
}

bool World::host_read(Place place, std::span<u8> out) {
  if (place.space == Space::Ipa && vm() != nullptr) return vm()->read_guest(Ipa{place.value}, out).ok();
  const auto pa = physical(place);
  if (pa) machine_->board().host_read(*pa, out);
  return pa.has_value();
}

bool World::access_write(const cache::AccessInfo& info, Pa pa, std::span<const u8> bytes) {
  if (caches().modelled()) return caches().write(info, pa, bytes);
  std::memcpy(machine_->board().ram_at(pa.value), bytes.data(), bytes.size());
  machine_->board().wrote(pa.value, bytes.size());
  return true;
}

bool World::access_read(const cache::AccessInfo& info, Pa pa, std::span<u8> out) {
  if (caches().modelled()) return caches().read(info, pa, out);
  std::memcpy(out.data(), machine_->board().ram_at(pa.value), out.size());
  return true;
}

void World::maintain(const Maintain& what, Pa pa) {
  using What = Maintain::What;
  cache::CacheOpByPa op{.point = cache::Point::PoC, .base = pa, .size = what.size};
  op.instruction = what.what == What::ICache;
  if (op.instruction || what.what == What::CleanPou) op.point = cache::Point::PoU;
  const bool clean = what.what == What::Clean || what.what == What::CleanPou;
  op.action = clean                                ? cache::Action::Clean
              : what.what == What::CleanInvalidate ? cache::Action::CleanInvalidate
                                                   : cache::Action::Invalidate;
  caches().set_issuer(
      {.core = caches().host_core(), .kind = cache::AccessKind::Host, .el = El::EL2, .attr = cache::kWriteBackIsh});
  caches().apply(op, caches().host_core());
  machine_->board().renew_code(op);
}

void World::on_report(const cache::Report& found) {
  cache::Report report = found;
  auto& cores = machine_->board().physical();
  const bool of_vcpu = report.access.core < cores.count() && report.access.kind != cache::AccessKind::Host;
  if (pe::Pe* pe = of_vcpu ? cores.on(report.access.core) : nullptr)
    report.access.s2 = pe->stage2_attr(Ipa{report.access.ipa}, El::EL1).value_or(found.access.attr);
  if (tells(Detail::Events) && !cache::is_advisory(report.finding)) {
    if (tells(Detail::All)) lines_.insert(report.pa.align_down(64).value);
    say(tells(Detail::All) ? indented(cache::print(report))
                           : fmt::format("        {} at {}\n", cache::name(report.finding), named_place(report.pa)));
  }
  reports.push_back(std::move(report));
}

std::string World::named_place(Pa pa) {
  for (const auto& [name, place] : scenario_.names) {
    const Pa line = pa.align_down(64);
    std::optional<Pa> at;
    if (place.space == Space::Pa) at = Pa{place.value};
    if (place.space == Space::Ipa)
      at = vm() != nullptr ? vm()->peek(Ipa{place.value}) : Pa{bare_ ? bare_pa(place.value) : place.value};
    if (at && at->align_down(64) == line) return fmt::format("{} ({})", name, pa);
  }
  return fmt::format("{}", pa);
}

std::string World::line_histories() {
  std::string out;
  for (u64 line : lines_) {
    const auto life = life_of(*this, caches().history(Pa{line}, 24));
    if (!life.empty()) out += fmt::format("    life of line {}\n", named_place(Pa{line}));
    for (const std::string& event : life) out += fmt::format("        {}\n", event);
  }
  return out;
}

}  // namespace farside::scenario
