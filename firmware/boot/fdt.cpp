// firmware/boot/fdt.cpp - builds the device tree of the `virt` machine.
#include "firmware/boot/fdt.h"

#include <algorithm>

#include "firmware/boot/fdt_writer.h"
#include "firmware/boot/virt_map.h"

namespace farside::boot {
namespace {

using Node = FdtWriter::Node;

// Phandles are arbitrary but distinct.
constexpr u32 kClockPhandle = 1, kGicPhandle = 2, kGpioPhandle = 3;
constexpr u32 kClockHz = 24'000'000;

// Cells of the arm,gic-v3 interrupt binding.
constexpr u32 kSpiCell = 0, kPpiCell = 1, kLevelHigh = 4;
constexpr u32 ppi_cell(u32 intid) { return intid - 16; }

// PSCI 0.1 style function numbers, for old kernels (Arm DEN 0022).
constexpr u32 kCpuSuspend64 = 0xc4000001, kCpuOff = 0x84000002, kCpuOn64 = 0xc4000003, kMigrate64 = 0xc4000005;

constexpr u32 kKeyPower = 116;  // linux,code KEY_POWER

std::string at(std::string_view kind, u64 base) { return fmt::format("{}@{:x}", kind, base); }

void write_psci(FdtWriter& w, PsciConduit conduit) {
  if (conduit == PsciConduit::None) return;
  Node node(w, "psci");
  w.texts("compatible", {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"});
  w.text("method", conduit == PsciConduit::Hvc ? "hvc" : "smc");
  w.cells("cpu_suspend", {kCpuSuspend64});
  w.cells("cpu_off", {kCpuOff});
  w.cells("cpu_on", {kCpuOn64});
  w.cells("migrate", {kMigrate64});
}

void write_cpus(FdtWriter& w, const FdtConfig& config) {
  Node cpus(w, "cpus");
  w.cells("#address-cells", {1});
  w.cells("#size-cells", {0});
  for (u32 cpu = 0; cpu < config.cpus; cpu++) {
    Node node(w, at("cpu", cpu));
    w.text("device_type", "cpu");
    w.text("compatible", config.cpu_compatible);
    w.cells("reg", {cpu});
    if (config.psci != PsciConduit::None) w.text("enable-method", "psci");
  }
}

void write_chosen(FdtWriter& w, const FdtConfig& config) {
  Node node(w, "chosen");
  w.text("stdout-path", "/" + at("pl011", virt_map::kUart.base));
  if (!config.bootargs.empty()) w.text("bootargs", config.bootargs);
  if (config.initrd) {
    w.wide("linux,initrd-start", {config.initrd->base});
    w.wide("linux,initrd-end", {config.initrd->end()});
  }
  if (config.kaslr_seed != 0) w.wide("kaslr-seed", {config.kaslr_seed});
  if (std::any_of(config.rng_seed.begin(), config.rng_seed.end(), [](u8 byte) { return byte != 0; })) {
    w.bytes("rng-seed", config.rng_seed.data(), config.rng_seed.size());
  }
}

void write_gic(FdtWriter& w, u32 version, u32 cpus) {
  Node node(w, at("intc", virt_map::kGicDistributor.base));
  w.text("compatible", version == 2 ? "arm,cortex-a15-gic" : "arm,gic-v3");
  w.flag("interrupt-controller");
  w.cells("#interrupt-cells", {3});
  w.cells("#address-cells", {2});
  w.cells("#size-cells", {2});
  w.flag("ranges");
  if (version == 2) {
    w.wide("reg", {virt_map::kGicV2Distributor.base, virt_map::kGicV2Distributor.size,
                   virt_map::kGicV2CpuInterface.base, virt_map::kGicV2CpuInterface.size});
  } else {
    w.cells("#redistributor-regions", {1});
    w.wide("reg", {virt_map::kGicDistributor.base, virt_map::kGicDistributor.size, virt_map::kGicRedistributors.base,
                   cpus * virt_map::kRedistributorStride});
  }
  w.cells("phandle", {kGicPhandle});
}

void write_timer(FdtWriter& w, bool hyp_timer) {
  Node node(w, "timer");
  w.texts("compatible", {"arm,armv8-timer", "arm,armv7-timer"});
  w.flag("always-on");
  // The binding fixes the order: secure physical, physical, virtual, hypervisor.
  const u32 secure = ppi_cell(ppi::kSecurePhysicalTimer), physical = ppi_cell(ppi::kPhysicalTimer),
            virt = ppi_cell(ppi::kVirtualTimer), hyp = ppi_cell(ppi::kHypTimer);
  if (hyp_timer) {
    w.cells("interrupts", {kPpiCell, secure, kLevelHigh, kPpiCell, physical, kLevelHigh, kPpiCell, virt, kLevelHigh,
                           kPpiCell, hyp, kLevelHigh});
  } else {
    w.cells("interrupts", {kPpiCell, secure, kLevelHigh, kPpiCell, physical, kLevelHigh, kPpiCell, virt, kLevelHigh});
  }
}

void write_pmu(FdtWriter& w) {
  Node node(w, "pmu");
  w.text("compatible", "arm,armv8-pmuv3");
  w.cells("interrupts", {kPpiCell, ppi_cell(ppi::kPmu), kLevelHigh});
}

void write_clock(FdtWriter& w) {
  Node node(w, "apb-pclk");
  w.text("compatible", "fixed-clock");
  w.cells("#clock-cells", {0});
  w.cells("clock-frequency", {kClockHz});
  w.text("clock-output-names", "clk24mhz");
  w.cells("phandle", {kClockPhandle});
}

/// What every PrimeCell has.
void write_primecell(FdtWriter& w, std::string_view compatible, const MapEntry& entry) {
  w.texts("compatible", {compatible, "arm,primecell"});
  w.wide("reg", {entry.base, entry.size});
  w.cells("interrupts", {kSpiCell, entry.spi, kLevelHigh});
}

void write_uart(FdtWriter& w, const MapEntry& place) {
  Node node(w, at("pl011", place.base));
  write_primecell(w, "arm,pl011", place);
  w.cells("clocks", {kClockPhandle, kClockPhandle});
  w.texts("clock-names", {"uartclk", "apb_pclk"});
}

void write_rtc(FdtWriter& w) {
  Node node(w, at("pl031", virt_map::kRtc.base));
  write_primecell(w, "arm,pl031", virt_map::kRtc);
  w.cells("clocks", {kClockPhandle});
  w.text("clock-names", "apb_pclk");
}

void write_gpio(FdtWriter& w) {
  {
    Node node(w, at("pl061", virt_map::kGpio.base));
    write_primecell(w, "arm,pl061", virt_map::kGpio);
    w.flag("gpio-controller");
    w.cells("#gpio-cells", {2});
    w.cells("clocks", {kClockPhandle});
    w.text("clock-names", "apb_pclk");
    w.cells("phandle", {kGpioPhandle});
  }
  Node keys(w, "gpio-keys");
  w.text("compatible", "gpio-keys");
  Node key(w, "poweroff");
  w.text("label", "GPIO Key Poweroff");
  w.cells("linux,code", {kKeyPower});
  w.cells("gpios", {kGpioPhandle, virt_map::kPowerKeyGpioLine, 0});  // active high
}

/// Slots are level-sensitive. The root says dma-coherent, so that a slot whose device is not has to deny it.
void write_virtio(FdtWriter& w, u32 slots, u64 noncoherent) {
  for (u32 slot = 0; slot < slots; ++slot) {
    const u64 base = virt_map::kVirtio.base + slot * virt_map::kVirtioSlotSize;
    Node node(w, at("virtio_mmio", base));
    w.text("compatible", "virtio,mmio");
    w.wide("reg", {base, virt_map::kVirtioSlotSize});
    w.cells("interrupts", {kSpiCell, virt_map::kVirtio.spi + slot, kLevelHigh});
    w.flag((noncoherent >> slot & 1) != 0 ? "dma-noncoherent" : "dma-coherent");
  }
}

void write_flash(FdtWriter& w) {
  constexpr u64 kBank = virt_map::kFlash.size / 2;
  Node node(w, at("flash", virt_map::kFlash.base));
  w.text("compatible", "cfi-flash");
  w.wide("reg", {virt_map::kFlash.base, kBank, virt_map::kFlash.base + kBank, kBank});
  w.cells("bank-width", {4});
}

void write_fw_cfg(FdtWriter& w) {
  Node node(w, at("fw-cfg", virt_map::kFwCfg.base));
  w.text("compatible", "qemu,fw-cfg-mmio");
  w.wide("reg", {virt_map::kFwCfg.base, virt_map::kFwCfg.size});
  w.flag("dma-coherent");
}

void write_memory(FdtWriter& w, const FdtConfig& config) {
  Node node(w, at("memory", config.memory_base));
  w.text("device_type", "memory");
  w.wide("reg", {config.memory_base, config.memory_size});
}

}  // namespace

std::vector<u8> build_fdt(const FdtConfig& config) {
  constexpr usize kEnough = 16384;
  FdtWriter w(kEnough + config.cpus * (256 + config.cpu_compatible.size()) + config.bootargs.size());
  {
    Node root(w, "");
    w.cells("#address-cells", {2});
    w.cells("#size-cells", {2});
    w.text("compatible", "linux,dummy-virt");
    w.text("model", "linux,dummy-virt");
    w.cells("interrupt-parent", {kGicPhandle});
    w.flag("dma-coherent");
    {
      Node aliases(w, "aliases");
      w.text("serial0", "/" + at("pl011", virt_map::kUart.base));
      if (config.second_uart) w.text("serial1", "/" + at("pl011", virt_map::kUart2.base));
    }
    write_psci(w, config.psci);
    write_memory(w, config);
    write_cpus(w, config);
    write_timer(w, config.hyp_timer);
    if (config.pmu) write_pmu(w);
    write_gic(w, config.gic_version, config.cpus);
    write_clock(w);
    write_uart(w, virt_map::kUart);
    if (config.second_uart) write_uart(w, virt_map::kUart2);
    write_rtc(w);
    write_gpio(w);
    if (config.flash) write_flash(w);
    if (config.fw_cfg) write_fw_cfg(w);
    write_virtio(w, config.virtio_slots, config.noncoherent_slots);
    write_chosen(w, config);
  }
  return w.finish();
}

}  // namespace farside::boot
