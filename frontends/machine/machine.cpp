// frontends/machine/machine.cpp - builds a machine from its config, loads the guest, and answers questions about it.
#include "frontends/machine/machine.h"

#include <algorithm>
#include <cstring>

#include "core/pe/visit.h"
#include "firmware/boot/loader.h"
#include "firmware/boot/virt_map.h"
#include "frontends/machine/board.h"
#include "frontends/machine/hyp_adapter.h"
#include "frontends/machine/peripherals.h"
#include "frontends/machine/power.h"
#include "frontends/machine/scheduler.h"
#include "frontends/machine/semihosting.h"

namespace farside::machine {
namespace {

constexpr u64 kBlock = u64{2} << 20;
constexpr u64 kGuestRam = boot::virt_map::kRam.base;
// Under the hypervisor the host's memory lies where no guest address does, so that IPA and PA are never confused.
constexpr u64 kHostRam = u64{1} << 32;

/// Host memory for guest frames and stage-2 tables; only what is touched costs anything.
u64 host_ram_size(const MachineConfig& config) {
  const u64 guest = config.memory + (config.bios.empty() ? 0 : boot::virt_map::kFlash.size);
  return align_up(guest + guest / 128 + 32 * kBlock, kBlock);
}

Result<CpuModel, UserError> cpu_for(const MachineConfig& config, const CacheSetup& caches) {
  const auto model = find_cpu(config.cpu);
  if (!model) {
    std::string names;
    for (const CpuModel& m : cpu_models()) names += (names.empty() ? "" : ", ") + std::string(m.name);
    return UserError{fmt::format("unknown CPU '{}': use one of {}", config.cpu, names)};
  }
  CpuModel cpu = *model;
  identify_caches(caches, config.code.value_or(CodeMode::Coherent), cpu);
  cpu.features.el2 = config.el2 == El2Mode::Kvm;
  cpu.features.gic_registers = config.gic == 3;
  return cpu;
}

Result<void, UserError> check(const MachineConfig& config) {
  if (config.cpus < 1 || config.cpus > 8) return UserError{fmt::format("--smp {}: use 1 to 8 CPUs", config.cpus)};
  if (config.pcpus > 8) return UserError{fmt::format("--pcpus {}: use 1 to 8 physical cores", config.pcpus)};
  const bool hosted = config.el2 == El2Mode::Kvm;
  if ((config.pcpus != 0 || config.migrate_seed) && !hosted) {
    return UserError{fmt::format("--{}: only a hypervisor moves vCPUs: leave out --el2 none",
                                 config.pcpus != 0 ? "pcpus" : "migrate")};
  }
  if (config.migrate_seed && (config.pcpus == 0 ? config.cpus : config.pcpus) == 1)
    return UserError{"--migrate: with one physical core there is nowhere to go: add --pcpus 2"};
  if (config.memory % kBlock != 0 || config.memory == 0)
    return UserError{fmt::format("--memory {}: use a multiple of 2M", config.memory)};
  if (config.memory > u64{255} << 30) return UserError{"--memory: at most 255G fit the machine's address map"};
  return {};
}

void hash_core(dev::StateHash& hash, pe::Pe& core) {
  pe::visit_registers(hash, core.s);
  u64 instructions = core.instructions();
  hash.value("instructions", instructions);
  u8 flags[] = {core.powered_on, core.waiting, core.event_register};
  hash.value("flags", flags);
}

}  // namespace

Machine::Machine(const MachineConfig& config) : config_(config) {}
Machine::~Machine() = default;

Result<std::unique_ptr<Machine>, UserError> Machine::create(const MachineConfig& config) {
  std::unique_ptr<Machine> machine = TRY(create_bare(config));
  TRY_VOID(machine->load());
  return machine;
}

Result<std::unique_ptr<Machine>, UserError> Machine::create_bare(const MachineConfig& config) {
  TRY_VOID(check(config));
  std::unique_ptr<Machine> machine(new Machine(config));
  TRY_VOID(machine->build());
  return machine;
}

Result<void, UserError> Machine::build() {
  const CacheSetup caches = TRY(cache_setup(config_));
  const CpuModel cpu = TRY(cpu_for(config_, caches));
  const bool hosted = config_.el2 == El2Mode::Kvm;
  board_ = TRY(Board::create(config_, caches, hosted ? kHostRam : kGuestRam,
                             hosted ? host_ram_size(config_) : config_.memory, cores_, trace_));
  peripherals_ = TRY(Peripherals::create(config_, *board_));
  // The scheduler needs the cores and the cores need their clock: it is created first, over a vector filled below.
  scheduler_ = std::make_unique<Scheduler>(cores_, cpu.features, config_, board_->caches());
  power_ = std::make_unique<Power>(cores_, *scheduler_, trace_);
  TRY_VOID(add_semihosting());
  const pe::Ports ports{.bus = board_.get(),
                        .system = board_.get(),
                        .clock = scheduler_.get(),
                        .icc = config_.gic == 3 ? board_.get() : nullptr,
                        .firmware = hosted ? nullptr : power_.get(),
                        .semihosting = semihosting_.get(),
                        .entropy = board_.get(),
                        .trace = &trace_,
                        .caches = caches.modelled() ? &board_->caches() : nullptr};
  for (u32 i = 0; i < config_.cpus; ++i) {
    cores_.push_back(std::make_unique<pe::Pe>(i, cpu, ports, board_->physical().home(i)));
    cores_.back()->chance = Chance(config_.seed, fmt::format("pe{}", i));
  }
  board_->physical().cores_ready(caches.mmu);
  scheduler_->set_physical(&board_->physical());
  board_->connect(*scheduler_);
  scheduler_->cores_ready();
  if (caches.modelled()) scheduler_->set_caches(&board_->caches());
  if (config_.net) scheduler_->set_host_poll([this] { peripherals_->poll(); });
  for (const auto& core : cores_) core->reset(0, hosted ? El::EL2 : El::EL1);
  if (!hosted) {
    power_->set_starter([](pe::Pe& core, u64 entry) { core.reset(entry, El::EL1); });
    return {};
  }
  hyp_ = std::make_unique<HypAdapter>(cores_, *board_, *power_, trace_);
  TRY_VOID(hyp_->create(config_, kGuestRam));
  TRY_VOID(peripherals_->set_vm(hyp_->vm()));
  for (const auto& core : cores_) core->ports.el2_host = hyp_.get();
  board_->physical().set_load_hook([this](pe::Pe& core) { hyp_->load(core); });
  power_->set_starter([this](pe::Pe& core, u64 entry) { hyp_->enter(core, entry); });
  return {};
}

Result<void, UserError> Machine::load() {
  boot::BootRequest request{.kernel_path = config_.kernel, .initrd_path = config_.initrd, .dtb_path = config_.dtb};
  request.fdt.memory_base = kGuestRam;
  request.fdt.memory_size = config_.memory;
  request.fdt.cpus = config_.cpus;
  request.fdt.cpu_compatible = config_.cpu == "max" ? "arm,armv8" : "arm," + config_.cpu;
  request.fdt.virtio_slots = boot::virt_map::kVirtioSlots;
  request.fdt.noncoherent_slots = peripherals_->noncoherent_slots();
  request.fdt.gic_version = config_.gic;
  request.fdt.second_uart = !config_.serial2.empty();
  request.fdt.bootargs = config_.append;
  Chance seeds(config_.seed, "fdt");
  request.fdt.kaslr_seed = seeds.next();
  for (u8& byte : request.fdt.rng_seed) byte = static_cast<u8>(seeds.next());
  request.fdt.fw_cfg = true;
  request.fdt.flash = !config_.bios.empty();
  if (request.fdt.flash) return start_firmware(request);
  const boot::BootPlan plan = TRY(boot::plan_boot(request));
  std::vector<FreeMemory> loaded;
  for (const boot::Segment& segment : plan.segments) {
    loaded.push_back({segment.ipa, segment.ipa + segment.bytes.size() + segment.zeros});
    put_into_ram(segment.ipa, segment.bytes);
    clear_ram(segment.ipa + segment.bytes.size(), segment.zeros);
  }
  note_free_memory(std::move(loaded));
  power_->start(*cores_.front(), plan.entry, plan.dtb);
  if (plan.format == boot::KernelFormat::Arm64Image) image_base_ = plan.entry;
  return {};
}

void Machine::put_into_ram(u64 address, std::span<const u8> bytes) {
  if (hyp_ != nullptr) {
    CHECK(hyp_->vm().write_guest(Ipa{address}, bytes).ok(), "{} bytes at {:#x} are outside RAM", bytes.size(), address);
    return;
  }
  std::memcpy(board_->ram_at(address), bytes.data(), bytes.size());
  board_->wrote(address, bytes.size());
  board_->caches().adopt(Pa{address}, bytes.size());
}

/// The firmware finds the tree where RAM begins, and kernel, initrd and command line in fw_cfg.
Result<void, UserError> Machine::start_firmware(const boot::BootRequest& request) {
  TRY_VOID(peripherals_->offer_kernel(config_));
  std::vector<u8> tree = boot::build_fdt(request.fdt);
  if (!request.dtb_path.empty()) {
    tree = TRY(boot::patch_fdt(TRY(boot::read_file(request.dtb_path, "dtb")), request.dtb_path, request.fdt));
  }
  if (tree.size() > config_.memory) return UserError{"dtb: does not fit into memory"};
  put_into_ram(kGuestRam, tree);
  note_free_memory({{kGuestRam, kGuestRam + tree.size()}});
  power_->start(*cores_.front(), boot::virt_map::kFlash.base, 0);
  return {};
}

void Machine::set_console(Console console) {
  if (console.output) {
    board_->uart().set_sink(console.output);
    if (peripherals_->console()) peripherals_->console()->set_sink(console.output);
  }
  console_output_ = console.output;
  wait_input_ = console.wait_input;
  scheduler_->set_console(std::move(console));
}

RunResult Machine::run() {
  RunResult result = scheduler_->run();
  if (result.cause == StopCause::Exit) result.status = semihosting_->exit_status();
  return result;
}

void Machine::set_checkpoint(u64 instructions) { scheduler_->set_checkpoint(instructions); }

void Machine::request_stop() { scheduler_->stop(StopCause::Quit); }

void Machine::console_input(const u8* data, usize size) {
  if (config_.console == ConsoleDevice::Semihosting) {
    if (semihosting_ != nullptr) semihosting_->receive({data, size});
    return;
  }
  if (dev::virtio::Console* console = peripherals_->console()) return console->receive({data, size});
  for (usize i = 0; i < size; ++i) board_->uart().receive(data[i]);
}

void Machine::set_balloon(u64 bytes) { peripherals_->set_balloon(bytes); }

std::optional<u64> Machine::balloon() const { return peripherals_->balloon(); }

bool Machine::migrate(u32 vcpu, u32 core) {
  if (vcpu >= config_.cpus || core >= board_->physical().count()) return false;
  board_->physical().migrate(vcpu, core);
  return true;
}

bool Machine::device_read(u64 address, std::span<u8> out, DmaKind kind) {
  return peripherals_->dma(kind).read(address, out);
}

bool Machine::device_write(u64 address, std::span<const u8> bytes, DmaKind kind) {
  return peripherals_->dma(kind).write(address, bytes);
}

u32 Machine::physical_core(u32 vcpu) const { return board_->physical().home(vcpu); }

u64 Machine::migrations() const { return board_->physical().migrations(); }

void Machine::press_power_key() { board_->press_power_key(); }

hyp::Vm* Machine::vm() { return hyp_ == nullptr ? nullptr : &hyp_->vm(); }

std::vector<MemoryRange> Machine::memory_map() const {
  std::vector<MemoryRange> map;
  for (const dev::BusRange& range : board_->bus().ranges())
    map.push_back({range.base, range.size, std::string(range.device->name())});
  map.push_back({kGuestRam, config_.memory, "ram"});
  return map;
}

bool Machine::peek_ipa(u64 ipa, void* out, usize size) const {
  if (hyp_ == nullptr) return peek_pa(ipa, out, size);
  u8* bytes = static_cast<u8*>(out);
  while (size > 0) {
    const usize here = std::min<usize>(size, dev::Ram::kPage - ipa % dev::Ram::kPage);
    const u64 offset = ipa - kGuestRam;
    if (offset >= config_.memory) return false;
    const auto pa = hyp_->vm().peek(Ipa{ipa});
    if (!pa) {
      std::memset(bytes, 0, here);  // never touched: it would read as zero
    } else if (!peek_pa(pa->value, bytes, here)) {
      return false;
    }
    bytes += here;
    ipa += here;
    size -= here;
  }
  return true;
}

bool Machine::peek_pa(u64 pa, void* out, usize size) const { return board_->peek(Pa{pa}, out, size); }

void Machine::set_finding_sink(FindingSink sink) {
  if (!sink) return board_->caches().sanitizer().set_callback({});
  board_->caches().sanitizer().set_callback([this, sink = std::move(sink)](const cache::Report& found) {
    cache::Report report = found;
    const cache::AccessInfo& access = report.access;
    // The PE does not carry stage 2's part along with each access: it is looked up where somebody reads it.
    const bool of_vcpu = access.core < board_->physical().count() && access.kind != cache::AccessKind::Host;
    if (pe::Pe* core = of_vcpu ? board_->physical().on(access.core) : nullptr)
      report.access.s2 = core->stage2_attr(Ipa{access.ipa}, El::EL1).value_or(access.attr);
    sink(report);
  });
}

std::vector<std::string_view> Machine::finding_names() {
  std::vector<std::string_view> names;
  for (unsigned i = 0; i < cache::kFindings; ++i) names.push_back(cache::name(static_cast<cache::Finding>(i)));
  return names;
}

u64 Machine::findings(std::string_view finding) const {
  const auto names = finding_names();
  const auto place = std::find(names.begin(), names.end(), finding);
  if (place == names.end()) return 0;
  return board_->caches().sanitizer().count(static_cast<cache::Finding>(place - names.begin()));
}

std::vector<std::pair<std::string, u64>> Machine::cache_figures() const {
  const cache::Hierarchy& caches = board_->caches();
  std::vector<std::pair<std::string, u64>> figures;
  if (!caches.modelled()) return figures;
  for (std::string_view finding : finding_names()) figures.emplace_back(finding, findings(finding));
  for (unsigned core = 0; core <= caches.host_core(); ++core) {
    const std::string owner = core == caches.host_core() ? "host" : fmt::format("core {}", core);
    figures.emplace_back("L1D misses, " + owner, caches.counters(cache::Level::L1D, core).misses);
    figures.emplace_back("L1I misses, " + owner, caches.counters(cache::Level::L1I, core).misses);
  }
  figures.emplace_back("L2 misses", caches.counters(cache::Level::L2).misses);
  figures.emplace_back("pages split", caches.pages_split());
  const cache::MaintenanceCounts& counts = caches.counts();
  figures.emplace_back("lines cleaned", counts.lines_cleaned);
  figures.emplace_back("lines invalidated", counts.lines_invalidated);
  return figures;
}

u64 Machine::time_ns() const { return scheduler_->time_ns(); }

u64 Machine::instructions() const {
  u64 sum = 0;
  for (const auto& core : cores_) sum += core->instructions();
  return sum;
}

u64 Machine::resident_bytes() const { return board_->ram().touched_bytes(); }

u64 Machine::state_hash() const {
  dev::StateHash hash;
  for (const auto& core : cores_) hash_core(hash, *core);
  u64 time = time_ns();
  hash.value("time", time);
  board_->bus().visit_state(hash);
  board_->gic().visit_state(hash);
  board_->ram().visit_state(hash);
  if (board_->code() != nullptr) board_->code()->visit_state(hash);
  if (board_->caches().modelled()) {
    u64 caches = board_->caches().state_hash();
    hash.value("caches", caches);
  }
  return hash.digest();
}

}  // namespace farside::machine
