// frontends/machine/board.cpp - wires devices to the bus and to the interrupt controller.
#include "frontends/machine/board.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "firmware/boot/virt_map.h"
#include "frontends/machine/scheduler.h"

namespace farside::machine {
namespace {

/// Where the real-time clock starts, in seconds since 1970. With virtual time always at 2026-01-01 00:00:00 UTC, so
/// that a run depends on nothing but its inputs.
u64 rtc_epoch(ClockMode clock) {
  constexpr u64 kVirtual = 1'767'225'600;
  if (clock == ClockMode::Virtual) return kVirtual;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<u64>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

constexpr u64 kNsPerSecond = 1'000'000'000;
/// How long the power key is held, in nanoseconds: longer than the debouncing of any driver.
constexpr u64 kKeyPress = 100'000'000;

dev::IrqLine spi_line(dev::InterruptController& gic, u32 spi) {
  return dev::IrqLine([&gic, spi](bool level) { gic.set_spi(spi, level); });
}

std::optional<dev::IccReg> icc_of(u16 encoding) {
  return dev::icc_reg(bits(encoding, 10, 7), bits(encoding, 6, 3), bits(encoding, 2, 0));
}

}  // namespace

Result<std::unique_ptr<Board>, UserError> Board::create(const MachineConfig& config, const CacheSetup& caches,
                                                        u64 ram_base, u64 ram_size, Cores& cores, const Trace& trace) {
  dev::Ram ram = TRY(dev::Ram::create(ram_size, HostPages::Huge));
  std::unique_ptr<Board> board(new Board(config, caches, ram_base, std::move(ram), cores, trace));
  if (config.code == CodeMode::Arch) {
    board->code_ = TRY(dev::CodeCopies::create(board->ram_, [board = board.get()](const u8* from, u64 size) {
      if (pe::CodeWatch* watch = board->code_watch()) watch->changed(from, size);
    }));
  }
  if (!config.serial2.empty()) TRY_VOID(board->attach_second_uart(config.serial2));
  return board;
}

Board::Board(const MachineConfig& config, const CacheSetup& caches, u64 ram_base, dev::Ram ram, Cores& cores,
             const Trace& trace)
    : el2_(config.el2),
      rtc_epoch_(rtc_epoch(config.clock)),
      ram_base_(ram_base),
      ram_size_(ram.size()),
      ram_(std::move(ram)),
      ram_data_(ram_.data()),
      cores_(cores),
      trace_(trace),
      physical_(cores, config.cpus, config.pcpus == 0 ? config.cpus : config.pcpus, config.migrate_seed),
      caches_(std::make_unique<cache::Hierarchy>(caches.geometry, caches.knobs, physical_.count(), *this, config.seed)),
      entropy_(config.seed, "rndr") {
  if (config.gic == 2) {
    gic_v2_ = std::make_unique<dev::GicV2>(config.cpus, boot::virt_map::kSpis);
    gic_ = gic_v2_.get();
  } else {
    gic_v3_ = std::make_unique<dev::GicV3>(config.cpus, boot::virt_map::kSpis);
    gic_ = gic_v3_.get();
  }
  caches_->set_listener(this);
  if (caches.modelled()) physical_.set_caches(caches_.get());
  attach_devices();
}

void Board::attach_devices() {
  using namespace boot::virt_map;
  uart_ = std::make_unique<dev::Pl011>(spi_line(*gic_, kUart.spi), [](u8) {});
  rtc_ = std::make_unique<dev::Pl031>(spi_line(*gic_, kRtc.spi), [this] {
    return rtc_epoch_ + (scheduler_ == nullptr ? 0 : scheduler_->time_ns() / kNsPerSecond);
  });
  gpio_ = std::make_unique<dev::Pl061>(spi_line(*gic_, kGpio.spi));
  if (gic_v2_) {
    bus_.attach(kGicV2Distributor.base, kGicV2Distributor.size, gic_v2_->distributor());
    bus_.attach(kGicV2CpuInterface.base, kGicV2CpuInterface.size, gic_v2_->cpu_interface());
  } else {
    bus_.attach(kGicDistributor.base, kGicDistributor.size, gic_v3_->distributor());
    bus_.attach(kGicRedistributors.base, kRedistributorStride * gic_->pes(), gic_v3_->redistributors());
  }
  bus_.attach(kUart.base, kUart.size, *uart_);
  bus_.attach(kRtc.base, kRtc.size, *rtc_);
  bus_.attach(kGpio.base, kGpio.size, *gpio_);
}

/// Its output is in the file when the guest has sent it.
Result<void, UserError> Board::attach_second_uart(const std::string& path) {
  dev::Pl011::Sink sink = [](u8) {};
  if (path != "null") {
    serial2_.reset(std::fopen(path.c_str(), "wb"));
    if (!serial2_) return UserError{fmt::format("--serial2 {}: {}", path, std::strerror(errno))};
    std::setvbuf(serial2_.get(), nullptr, _IONBF, 0);
    sink = [this](u8 byte) { std::fputc(byte, serial2_.get()); };
  }
  using boot::virt_map::kUart2;
  uart2_ = std::make_unique<dev::Pl011>(spi_line(*gic_, kUart2.spi), std::move(sink));
  bus_.attach(kUart2.base, kUart2.size, *uart2_);
  return {};
}

void Board::connect(Scheduler& scheduler) {
  scheduler_ = &scheduler;
  scheduler.set_tick([this] {
    rtc_->update();
    if (key_up_at_ <= scheduler_->time_ns()) release_power_key();
  });
  scheduler.set_device_event([this] { return key_up_at_; });
  scheduler.set_ppi_sink([this](u32 pe, u32 intid, bool level) { gic_->set_ppi(pe, intid, level); });
  gic_->set_output_listener([this](u32 pe, bool irq, bool fiq) { deliver(pe, irq, fiq); });
}

/// Under the hosted hypervisor the interrupt controller is the guest's own, as KVM's vGIC is: its outputs are virtual
/// interrupts. Without a hypervisor they are the physical ones.
void Board::deliver(u32 pe, bool irq, bool fiq) {
  pe::Pe& core = *cores_[pe];
  if (el2_ == El2Mode::Kvm) {
    core.lines.virq = irq;
    core.lines.vfiq = fiq;
  } else {
    core.lines.irq = irq;
    core.lines.fiq = fiq;
  }
  if (irq || fiq) core.end_slice();
}

void Board::press_power_key() {
  key_up_at_ = (scheduler_ == nullptr ? 0 : scheduler_->time_ns()) + kKeyPress;
  gpio_->set_input(dev::kPowerKeyLine, true);
}

void Board::release_power_key() {
  key_up_at_ = ~u64{0};
  gpio_->set_input(dev::kPowerKeyLine, false);
}

void Board::visit_state(StateVisitor& v) {
  bus_.visit_state(v);
  v.chance("board.entropy", entropy_);
  v.value("board.key_up_at", key_up_at_);
}

u8* Board::ram_at(u64 pa) {
  u8* host = ram_.at(pa - ram_base_);
  CHECK(host != nullptr, "physical address {:#x} is not RAM", pa);
  return host;
}

pe::CodeWatch* Board::code_watch() const { return cores_.empty() ? nullptr : cores_.front()->ports.code_watch; }

void Board::wrote(u64 pa, u64 size) {
  if (pe::CodeWatch* watch = code_watch()) watch->written(ram_at(pa), size);
}

void Board::renew_code(const cache::CacheOpByPa& op) {
  if (code_ != nullptr && op.instruction) code_->renew(op.base.value - ram_base_, std::max<u64>(op.size, 1));
}

void Board::renew_code(const cache::ICacheInvalidateAll&) {
  if (code_ != nullptr) code_->renew_all();
}

void Board::set_flash(FlashBanks& flash) {
  flash_ = &flash;
  flash.expose([this](std::span<const u8> rom, std::span<const u8> changed) {
    for (const auto& core : cores_) {
      core->rom_withdrawn(rom);
      if (core->ports.code_watch != nullptr) core->ports.code_watch->written(changed.data(), changed.size());
    }
  });
}

void Board::line_withdrawn(unsigned core, cache::Side side, Pa, u32 place, cache::Withdrawn what) {
  if (core == caches_->host_core()) return;  // holds no pointers
  if (pe::Pe* loaded = physical_.on(core)) loaded->line_withdrawn(side, place, what);
}

void Board::fetched_ahead(unsigned core) {
  if (pe::Pe* loaded = physical_.on(core)) loaded->end_step();
}

void Board::page_withdrawn(unsigned core, const u8* page, u32 place, u64 lines, cache::Withdrawn what) {
  if (core == caches_->host_core()) return;
  if (pe::Pe* loaded = physical_.on(core)) loaded->page_withdrawn(page, place, lines, what);
}

void Board::host_read(Pa pa, std::span<u8> out) {
  const u8* host = ram_at(pa.value);
  if (caches_->modelled()) {
    caches_->host_read(pa, out);
    return;
  }
  std::memcpy(out.data(), host, out.size());
}

void Board::host_write(Pa pa, std::span<const u8> bytes) {
  u8* host = ram_at(pa.value);
  if (caches_->modelled()) {
    caches_->host_write(pa, bytes);
    return;
  }
  std::memcpy(host, bytes.data(), bytes.size());
  wrote(pa.value, bytes.size());
}

void Board::host_zero(Pa pa, u64 size) {
  static constexpr std::array<u8, dev::Ram::kPage> kZeros{};
  if (!caches_->modelled()) {
    ram_.zero(pa.value - ram_base_, size);
    return wrote(pa.value, size);
  }
  for (u64 done = 0; done < size; done += kZeros.size())
    caches_->host_write(pa + done, std::span(kZeros).first(std::min<u64>(kZeros.size(), size - done)));
}

void Board::host_copy(Pa to, Pa from, u64 size) {
  if (!caches_->modelled()) {
    std::memcpy(ram_at(to.value), ram_at(from.value), size);
    return wrote(to.value, size);
  }
  std::array<u8, dev::Ram::kPage> buffer;
  for (u64 done = 0; done < size; done += buffer.size()) {
    const std::span<u8> piece = std::span(buffer).first(std::min<u64>(buffer.size(), size - done));
    caches_->host_read(from + done, piece);
    caches_->host_write(to + done, piece);
  }
}

bool Board::peek(Pa pa, void* out, usize size) const {
  const u64 offset = pa.value - ram_base_;
  if (offset >= ram_size_ || size > ram_size_ - offset) return false;
  if (caches_->modelled())
    return caches_->peek(pa, {static_cast<u8*>(out), size}, cache::View::Cached, caches_->host_core());
  std::memcpy(out, ram_data_ + offset, size);
  return true;
}

bool Board::read(Pa pa, unsigned size, u64& value, u32 pe) {
  const dev::MmioResult result = bus_.read(pa.value, size, pe);
  value = result.value;
  trace_access("read", pa, size, value, pe);
  return result.ok;
}

bool Board::write(Pa pa, unsigned size, u64 value, u32 pe) {
  trace_access("write", pa, size, value, pe);
  return bus_.write(pa.value, size, value, pe).ok;
}

void Board::trace_access(std::string_view what, Pa pa, unsigned size, u64 value, u32 pe) {
  if (!trace_.on(TraceGroup::Dev)) return;
  const dev::BusRange* range = bus_.find(pa.value);
  trace_.emit(TraceGroup::Dev, pe, what,
              {{"device", 0, range == nullptr ? "none" : range->device->name()},
               {"offset", range == nullptr ? pa.value : pa.value - range->base},
               {"size", size},
               {"value", value}});
}

void Board::broadcast_tlbi(pe::Pe&, const mmu::TlbiOp& op) { physical_.apply_tlbi(op); }

void Board::send_event(pe::Pe&) {
  for (const auto& core : cores_) core->event_register = true;
}

u64 Board::read(u32 pe, u16 encoding) {
  const auto reg = icc_of(encoding);
  return reg ? gic_v3_->icc_read(pe, *reg) : 0;
}

void Board::write(u32 pe, u16 encoding, u64 value) {
  if (const auto reg = icc_of(encoding)) gic_v3_->icc_write(pe, *reg, value);
}

}  // namespace farside::machine
