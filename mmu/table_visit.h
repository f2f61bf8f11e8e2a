// mmu/table_visit.h - visits the translation tables of a range with pre, leaf and post callbacks (for table editors).
#pragma once
#include "mmu/descriptor.h"

namespace farside::mmu {

/// Descriptors in memory, as their editor reads and writes them (its own byte order already applied). A write is
/// single-copy atomic for hardware walkers.
class TableMemory {
 public:
  virtual ~TableMemory() = default;
  virtual u64 read_descriptor(u64 address) = 0;
  virtual void write_descriptor(u64 address, u64 value) = 0;
};

/// One table tree.
struct TableRoot {
  u64 base = 0;  ///< address of the first table, aligned to its whole size
  Granule granule = Granule::K4;
  i8 start_level = 0;
  u8 ia_bits = 48;  ///< input size; first tables may be concatenated
};

/// An entry as a visitor sees it.
struct TableEntry {
  u64 address = 0;  ///< of the descriptor
  u64 value = 0;    ///< as last read
  u64 input = 0;    ///< first input address that the entry covers
  int level = 0;
  Granule granule = Granule::K4;
  u64 size() const { return level_size(granule, level); }
  DescriptorKind kind() const { return classify(value, granule, level); }
  u64 output() const { return output_address(value, granule, level); }
};

/// What a callback wants next.
enum class Visit : u8 {
  Continue,  ///< go on; after pre of a table: descend into it
  Skip,      ///< after pre of a table: do not descend, post is not called
  Stop,      ///< end the whole visit
};

/// Base of visitors: override what is of interest. Entries are visited in rising input order. The entry is read again
/// after `pre` and after `leaf`, so a callback that installs a table in a hole or replaces a block by a table is
/// followed into the new table.
///
///   pre  - before descending into a table
///   leaf - a block, a page or an invalid entry; `part` is the piece of the visited range inside it
///   post - after the table's entries in range have been visited (a place to free emptied tables)
struct TableVisitor {
  struct Part {
    u64 base = 0, size = 0;
  };
  Visit pre(TableEntry&, Part) { return Visit::Continue; }
  Visit leaf(TableEntry&, Part) { return Visit::Continue; }
  Visit post(TableEntry&, Part) { return Visit::Continue; }
};

namespace detail {

template <class Visitor>
class RangeWalk {
 public:
  RangeWalk(TableMemory& memory, const TableRoot& root, Visitor& visitor)
      : memory_(memory), root_(root), visitor_(visitor) {}

  /// Visits entries of the table at `table` that meet [begin, end); `first` is the input of the table's entry 0.
  bool table(u64 table, int level, u64 first, u64 begin, u64 end) {
    const u64 size = level_size(root_.granule, level);
    for (u64 at = begin; at < end;) {
      const u64 index = (at - first) / size;
      TableEntry entry{table + index * 8, 0, first + index * size, level, root_.granule};
      const u64 stop = end - entry.input <= size ? end : entry.input + size;
      if (!this->entry(entry, at, stop)) return false;
      at = stop;
    }
    return true;
  }

 private:
  bool entry(TableEntry& entry, u64 begin, u64 end) {
    const TableVisitor::Part part{begin, end - begin};
    reload(entry);
    if (entry.kind() != DescriptorKind::Table) {
      const Visit next = visitor_.leaf(entry, part);
      if (next == Visit::Stop) return false;
      reload(entry);
      if (next == Visit::Skip || entry.kind() != DescriptorKind::Table) return true;
    }
    const Visit next = visitor_.pre(entry, part);
    if (next != Visit::Continue) return next != Visit::Stop;
    reload(entry);
    if (entry.kind() != DescriptorKind::Table) return true;
    if (!table(table_address(entry.value, root_.granule), entry.level + 1, entry.input, begin, end)) return false;
    return visitor_.post(entry, part) != Visit::Stop;
  }
  void reload(TableEntry& entry) { entry.value = memory_.read_descriptor(entry.address); }

  TableMemory& memory_;
  const TableRoot& root_;
  Visitor& visitor_;
};

}  // namespace detail

/// Visits [base, base + size) of the tables at `root`; the range must lie inside 2^ia_bits. Returns false when a
/// callback stopped the visit. `Visitor` derives from TableVisitor and hides the callbacks that it implements.
template <class Visitor>
bool visit_range(TableMemory& memory, const TableRoot& root, u64 base, u64 size, Visitor& visitor) {
  if (size == 0) return true;
  return detail::RangeWalk<Visitor>(memory, root, visitor).table(root.base, root.start_level, 0, base, base + size);
}

}  // namespace farside::mmu
