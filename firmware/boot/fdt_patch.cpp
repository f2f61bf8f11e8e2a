// firmware/boot/fdt_patch.cpp - checks a user's device tree and writes this machine's memory and boot data into it.
extern "C" {
#include <libfdt.h>
}

#include <algorithm>

#include "firmware/boot/bytes.h"
#include "firmware/boot/fdt.h"

namespace farside::boot {
namespace {

constexpr std::string_view kRecompile = "compile it again from its source with dtc";

/// Space for the properties that are added.
constexpr usize kRoom = 8192;

/// Before this version names of nodes were whole paths; libfdt 1.6's check of such a tree reads through a null pointer.
constexpr u32 kOldestVersion = 16;

UserError damaged(const std::string& name, int status) {
  return wrong("dtb", name, fmt::format("is not a sound device tree ({})", fdt_strerror(status)), kRecompile);
}

Result<void, UserError> validate(std::span<const u8> blob, const std::string& name) {
  if (blob.empty()) return wrong("dtb", name, "is empty", kRecompile);
  if (matches(blob, 0, "/dts-v1/")) {
    return wrong("dtb", name, "is device tree source", "compile it: dtc -O dtb -o FILE.dtb FILE.dts");
  }
  if (blob.size() < sizeof(fdt_header) || fdt_magic(blob.data()) != FDT_MAGIC) {
    return wrong("dtb", name, "is not a device tree blob", "give a .dtb file made by dtc");
  }
  if (fdt_totalsize(blob.data()) > blob.size()) {
    return wrong("dtb", name, fmt::format("is truncated: {} of {} bytes", blob.size(), fdt_totalsize(blob.data())),
                 "copy it again");
  }
  if (fdt_version(blob.data()) < kOldestVersion) {
    return wrong("dtb", name, fmt::format("has version {}, older than {}", fdt_version(blob.data()), kOldestVersion),
                 kRecompile);
  }
  if (const int status = fdt_check_full(blob.data(), blob.size())) return damaged(name, status);
  return {};
}

/// One open tree; after the first failure nothing more is done, and `status` says why.
struct Editor {
  std::vector<u8> blob;
  int status = 0;

  void* fdt() { return blob.data(); }
  void keep(int result) {
    if (result < 0 && status == 0) status = result;
  }
  int node(const char* name) {
    int offset = fdt_subnode_offset(fdt(), 0, name);
    if (offset == -FDT_ERR_NOTFOUND) offset = fdt_add_subnode(fdt(), 0, name);
    keep(offset);
    return offset;
  }
  void set(int at, const char* name, const void* data, usize size) {
    if (status == 0) keep(fdt_setprop(fdt(), at, name, data, static_cast<int>(size)));
  }
  void set_text(int at, const char* name, const std::string& value) { set(at, name, value.c_str(), value.size() + 1); }
  void set_u64(int at, const char* name, u64 value) {
    const fdt64_t cells = cpu_to_fdt64(value);
    set(at, name, &cells, sizeof(cells));
  }
  void remove(int at, const char* name) {
    if (status != 0) return;
    const int result = fdt_delprop(fdt(), at, name);
    if (result != -FDT_ERR_NOTFOUND) keep(result);
  }
};

void put_cells(std::vector<fdt32_t>& cells, u64 value, int count) {
  for (int i = count - 1; i >= 0; i--) cells.push_back(i > 1 ? 0 : cpu_to_fdt32(static_cast<u32>(value >> (32 * i))));
}

bool is_memory_node(const void* fdt, int node) {
  int length = 0;
  const char* type = static_cast<const char*>(fdt_getprop(fdt, node, "device_type", &length));
  if (type != nullptr && length == 7 && std::string_view(type, 6) == "memory") return true;
  const std::string_view name = fdt_get_name(fdt, node, nullptr);
  return name == "memory" || name.starts_with("memory@");
}

void replace_memory(Editor& edit, const FdtConfig& config, int address_cells, int size_cells) {
  for (int node = fdt_first_subnode(edit.fdt(), 0); node >= 0;) {
    if (!is_memory_node(edit.fdt(), node)) {
      node = fdt_next_subnode(edit.fdt(), node);
      continue;
    }
    edit.keep(fdt_del_node(edit.fdt(), node));
    if (edit.status != 0) return;
    node = fdt_first_subnode(edit.fdt(), 0);  // offsets have moved
  }
  std::vector<fdt32_t> reg;
  put_cells(reg, config.memory_base, address_cells);
  put_cells(reg, config.memory_size, size_cells);
  const int memory = edit.node(fmt::format("memory@{:x}", config.memory_base).c_str());
  edit.set_text(memory, "device_type", "memory");
  edit.set(memory, "reg", reg.data(), 4 * reg.size());
}

void set_chosen(Editor& edit, const FdtConfig& config) {
  const int chosen = edit.node("chosen");
  if (!config.bootargs.empty()) edit.set_text(chosen, "bootargs", config.bootargs);
  if (config.initrd) {
    edit.set_u64(chosen, "linux,initrd-start", config.initrd->base);
    edit.set_u64(chosen, "linux,initrd-end", config.initrd->end());
  } else {
    edit.remove(chosen, "linux,initrd-start");
    edit.remove(chosen, "linux,initrd-end");
  }
  if (config.kaslr_seed != 0) edit.set_u64(chosen, "kaslr-seed", config.kaslr_seed);
  if (std::any_of(config.rng_seed.begin(), config.rng_seed.end(), [](u8 byte) { return byte != 0; })) {
    edit.set(chosen, "rng-seed", config.rng_seed.data(), config.rng_seed.size());
  }
}

}  // namespace

Result<std::vector<u8>, UserError> patch_fdt(std::span<const u8> blob, const std::string& name,
                                             const FdtConfig& config) {
  TRY_VOID(validate(blob, name));
  Editor edit{std::vector<u8>(fdt_totalsize(blob.data()) + kRoom + config.bootargs.size())};
  edit.keep(fdt_open_into(blob.data(), edit.fdt(), static_cast<int>(edit.blob.size())));
  if (edit.status != 0) return damaged(name, edit.status);
  const int address_cells = fdt_address_cells(edit.fdt(), 0);
  const int size_cells = fdt_size_cells(edit.fdt(), 0);
  if (address_cells < 1 || size_cells < 1) {
    return wrong("dtb", name, "has no usable #address-cells and #size-cells in its root",
                 "set both to 2 in its source");
  }
  if ((address_cells == 1 && config.memory_base + config.memory_size > u64{1} << 32) ||
      (size_cells == 1 && config.memory_size >> 32 != 0)) {
    return wrong("dtb", name, "describes addresses with 32 bits, too few for this much memory",
                 "use less --memory, or set #address-cells and #size-cells to 2 in its source");
  }
  replace_memory(edit, config, address_cells, size_cells);
  set_chosen(edit, config);
  if (edit.status == 0) edit.keep(fdt_pack(edit.fdt()));
  if (edit.status != 0) return damaged(name, edit.status);
  edit.blob.resize(fdt_totalsize(edit.fdt()));
  return std::move(edit.blob);
}

}  // namespace farside::boot
