// cache/sanitizer.h - CacheSan: compares what observers see with what was last
// written, and explains the difference.
#pragma once
#include <array>
#include <functional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cache/history.h"
#include "cache/op.h"

namespace farside::cache {

/// Classes of findings. The last two are advice: a latent risk, no wrong value.
enum class Finding : u8 {
  STALE_CACHED,     ///< a cached copy is older than what was last written
  STALE_RAM,        ///< memory is older than a cached copy, and memory was read
  STALE_ICACHE,     ///< the instruction fetched is not the one last written
  STALE_WALK,       ///< a table walk saw an old descriptor
  LOST_WRITE,       ///< a write-back overwrote newer bytes in memory
  DISCARDED_DIRTY,  ///< an invalidation dropped the only copy of written bytes
  AMBIGUOUS,        ///< another legal behaviour would have given another value
  MISMATCH,         ///< memory used with other attributes and no maintenance in between
};
constexpr unsigned kFindings = 8;
std::string_view name(Finding finding);
constexpr bool is_advisory(Finding finding) { return finding >= Finding::AMBIGUOUS; }

/// Who last wrote a line, and how.
struct Writer {
  u64 pc = 0;
  u64 sequence = 0;  ///< of the event in the history; 0: never written since the start
  u32 core = 0;
  El el = El::EL0;
  AccessKind kind = AccessKind::Data;
  bool cached = false;
};

/// The smallest maintenance that would have prevented a finding.
struct Remedy {
  bool data = false;  ///< a data operation is needed:
  Action action = Action::Clean;
  Point point = Point::PoC;
  bool instruction = false;  ///< IC IVAU is needed (after the data operation and DSB)
  bool after_writer = true;  ///< place: after the last write and before this
                             ///< access; else before the last write
  bool context = false;      ///< ISB of the reader alone is needed
  std::string text;          ///< as one sentence with the instruction names
};

struct Report {
  Finding finding = Finding::STALE_CACHED;
  AccessInfo access{};  ///< the access that saw it, or that caused the
                        ///< write-back or invalidation
  Pa pa{};              ///< first byte that differs
  unsigned size = 0;    ///< bytes of `seen` and `expected` that are valid, from
                        ///< `pa`; they stay within one line
  std::array<u8, 64> seen{}, expected{};
  Level level = Level::Memory;     ///< where the seen value came from
  Writer writer{};                 ///< of the expected value
  std::vector<Event> history;      ///< of the line, newest first
  std::vector<RangeEvent> ranges;  ///< of ranges that hold it, newest first
  Remedy remedy;
};

/// How a report names places. Either may be empty.
struct Names {
  /// The name of code, as "memcpy+0x40"; an empty text where it has none.
  std::function<std::string(u64 pc, El el)> place;
  /// The assembly of one instruction.
  std::function<std::string(u64 pc, u32 word)> instruction;
};

/// Several lines of text: the finding, the access, the values, the history, the
/// remedy.
std::string print(const Report& report, const Names& names = {});
/// "load or store", "fetch" and so on.
std::string_view name(AccessKind kind);
/// "Normal inner WB outer WB ISH", "Device-nGnRE".
std::string text_of(const MemAttr& attr);
/// The stage-2 attributes of an access, with a remark where they override those of stage 1 (FEAT_S2FWB).
std::string stage2_text(const AccessInfo& access);
/// The instructions of a remedy in their order: DC CVAU, DSB, IC IVAU, DSB, ISB.
std::vector<std::string_view> instructions_of(const Remedy& remedy);
/// One line about a range: "stage-2 map of ipa 0x40200000, 2 MiB".
std::string text_of(const RangeEvent& event);

/// Receives findings, drops repetitions of (finding, PC, line), counts and
/// hands over.
class Sanitizer {
 public:
  using Callback = std::function<void(const Report&)>;
  void set_callback(Callback callback) { callback_ = std::move(callback); }
  /// True the first time for this finding, PC and line (page, for advice): the caller then builds
  /// the report and calls deliver.
  bool is_new(Finding finding, u64 pc, Pa line);
  void deliver(const Report& report) {
    if (callback_) callback_(report);
  }
  /// Findings after removal of repetitions.
  u64 count(Finding finding) const { return counts_[static_cast<usize>(finding)]; }
  /// Findings of the six classes that are errors.
  u64 errors() const;
  /// snapshot.cpp
  void visit_state(StateVisitor& visitor);

 private:
  Callback callback_;
  std::array<u64, kFindings> counts_{};
  std::set<std::tuple<Finding, u64, u64>> seen_;
};

}  // namespace farside::cache
