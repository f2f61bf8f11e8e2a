// firmware/hyp/host/space.h - the VMM process: VMAs, host page tables, demand paging, copy-on-write, notifiers.
#pragma once
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "firmware/hyp/host/frames.h"
#include "firmware/hyp/host/notifier.h"
#include "firmware/hyp/ports.h"

namespace farside::hyp::host {

enum class VmaKind : u8 {
  Anon,         ///< private anonymous: demand-zero, transparent huge pages
  SharedFile,   ///< page-cache pages, written in place
  PrivateFile,  ///< page-cache pages, copied on write
  PfnMap,       ///< device memory of the host (VFIO): frames without a struct page
  HugeTlb,      ///< huge pages of one fixed size
};

/// One mapping of the VMM.
struct Vma {
  HvaRange range;
  VmaKind kind = VmaKind::Anon;
  bool readable = true, writable = true;
  bool madvise_huge = false, madvise_no_huge = false;
  u8 huge_shift = 0;    ///< HugeTlb: log2 of the page size: 21, 25 or 30
  u32 file = 0;         ///< SharedFile, PrivateFile: from create_file
  u64 file_offset = 0;  ///< of range.base; page aligned
  Pa device{};          ///< PfnMap: what range.base maps
};

/// One leaf of the host's own page table.
struct HostPte {
  Pa pa{};
  u64 size = kPageSize;
  bool writable = false, young = true;
  bool zero = false;      ///< the shared zero page, or its huge form
  bool special = false;   ///< PFNMAP: no reference counts
  bool poisoned = false;  ///< hardware memory error
};

enum class HostFault : u8 { NoVma, NoAccess, OutOfMemory, Poisoned };
enum class Thp : u8 { Never, Madvise, Always };
enum class Advice : u8 { DontNeed, HugePage, NoHugePage };

/// What the host did for the VMM.
struct SpaceStats {
  u64 demand_zero = 0, huge_faults = 0, cow_breaks = 0, swap_outs = 0, swap_ins = 0, merges = 0;
};

/// One process. Host actions call the notifiers exactly as Linux does: start, change, end.
class Space {
 public:
  Space(Frames& frames, HostMemoryPort& memory, YieldPort& yield, Thp thp);
  ~Space();
  Space(const Space&) = delete;
  void set_notifier(MmuNotifier* notifier) { notifier_ = notifier; }

  // ---- System calls of the VMM; sizes and addresses are page aligned ----
  /// Maps at an address of the host's choice, aligned to `align`; `vma.range.base` is ignored.
  u64 mmap(Vma vma, u64 align = kHugeSize);
  /// MAP_FIXED: unmaps what is there.
  void mmap_fixed(const Vma& vma);
  void munmap(HvaRange range);
  void mprotect(HvaRange range, bool readable, bool writable);
  void madvise(HvaRange range, Advice advice);
  /// An empty file; `file_write` fills its page cache.
  u32 create_file();
  bool file_write(u32 file, u64 offset, std::span<const u8> bytes);
  /// A child that shares all private pages copy-on-write until `exit_child`.
  u32 fork();
  void exit_child(u32 child);

  // ---- What the host kernel does by itself ----
  /// Reclaims the page at `hva`; its next use reads it back. False when it cannot be swapped.
  bool swap_out(u64 hva);
  /// KSM: when two anonymous pages are equal, both become one read-only page. False when they are not.
  bool merge(u64 hva_a, u64 hva_b);
  /// Compaction: moves the page to another frame.
  bool migrate(u64 hva);
  /// khugepaged: the 512 pages around `hva` become one huge page.
  bool collapse(u64 hva);
  /// kswapd: was any page of the range used? `flush` also invalidates TLBs.
  bool age(HvaRange range, bool flush);
  bool idle(HvaRange range);
  /// A memory error in the page at `hva`: unmapped everywhere, later uses fail.
  void poison(u64 hva);

  // ---- What KVM asks (get_user_pages, follow_pte, the VMA and the leaf size at an address) ----
  const Vma* find(u64 hva) const;
  /// handle_mm_fault: makes the page present with the right asked for.
  Result<HostPte, HostFault> fault(u64 hva, bool write);
  /// The leaf at `hva`, if present.
  std::optional<HostPte> lookup(u64 hva) const;
  void mark_young(u64 hva);

  // ---- The VMM's own loads and stores; false when they would get SIGSEGV or SIGBUS ----
  bool write(u64 hva, std::span<const u8> bytes);
  bool read(u64 hva, std::span<u8> out);
  const SpaceStats& stats() const { return stats_; }

  /// Visits mappings, pages, files and children. No notifier hears of what is restored.
  void visit_state(StateVisitor& visitor);
  /// Calls `visit(page, size)` for each reference to frames that this space holds.
  void for_each_reference(const std::function<void(Pa, u64)>& visit) const;
  /// Whether mappings and leaves are apart, and each leaf inside a mapping.
  bool is_sound() const;
  /// Whether all of `range` is mapped.
  bool covers(HvaRange range) const;

 private:
  class Invalidation;
  using Ptes = std::map<u64, HostPte>;
  struct Child {
    u32 id;
    std::vector<std::pair<Pa, u64>> pages;
  };
  Result<HostPte, HostFault> populate(const Vma& vma, u64 hva, bool write);
  Result<HostPte, HostFault> populate_anon(const Vma& vma, u64 hva, bool write);
  Result<HostPte, HostFault> populate_file(const Vma& vma, u64 hva, bool write);
  Result<HostPte, HostFault> swap_in(const Vma& vma, u64 page);
  Result<HostPte, HostFault> break_cow(const Vma& vma, u64 hva);
  std::optional<Pa> file_page(u32 file, u64 offset);
  std::optional<Pa> zeroed(u64 size);
  std::optional<Pa> zero_frame(u64 size);
  bool huge_eligible(const Vma& vma, u64 hva) const;
  Ptes::iterator find_pte(u64 hva);
  Ptes::const_iterator find_pte(u64 hva) const;
  HostPte install(u64 base, const HostPte& pte);
  void drop(const HostPte& pte);
  void zap(HvaRange range);
  void split_leaf(u64 hva);
  void split_vma(u64 at);
  void split_edges(HvaRange range);
  bool is_private_page(u64 hva);
  void visit_vma(StateVisitor& visitor, u64 base, Vma& vma);
  void visit_pte(StateVisitor& visitor, u64 base, HostPte& pte);

  Frames& frames_;
  HostMemoryPort& memory_;
  YieldPort& yield_;
  Thp thp_;
  MmuNotifier* notifier_ = nullptr;
  std::map<u64, Vma> vmas_;  ///< by base
  Ptes ptes_;                ///< by base
  std::map<u64, std::vector<u8>> swapped_;
  std::vector<std::map<u64, Pa>> files_;
  std::vector<Child> children_;
  std::optional<Pa> zero_page_, huge_zero_;
  u64 next_hva_ = 0x7f00'0000'0000;
  u32 next_child_ = 1;
  SpaceStats stats_;
};

}  // namespace farside::hyp::host
