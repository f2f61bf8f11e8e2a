// frontends/scenario/world.h - one machine with one variant's config and one seed, and everything that is recorded of
// it.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/arch/esr.h"
#include "firmware/hyp/vm.h"
#include "frontends/machine/board.h"
#include "frontends/machine/machine.h"
#include "frontends/scenario/config.h"
#include "frontends/trace/print.h"

namespace farside::scenario {

/// One exception to EL2.
struct Exit {
  unsigned cpu = 0;
  Esr esr{};
  u64 far = 0, pc = 0;
  u64 ipa = 0;  ///< of an abort, as the hypervisor found it
};

class World {
 public:
  /// Builds the machine, its slots and tables, and loads the code.
  static Result<std::unique_ptr<World>, UserError> create(const Scenario& scenario, const Variant& variant, u64 seed,
                                                          const Overrides& overrides);
  ~World();

  machine::Machine& machine() { return *machine_; }
  hyp::Vm* vm() { return bare_ ? nullptr : machine_->vm(); }
  bool bare() const { return bare_; }
  u64 piece() const { return piece_; }
  cache::Hierarchy& caches() { return machine_->board().caches(); }
  pe::Pe& core(unsigned cpu) { return *machine_->cores()[cpu]; }
  unsigned cpus() const { return machine_->config().cpus; }
  const Scenario& scenario() const { return scenario_; }

  /// Starts `cpu` at the first block of code unless it has been started, or is on.
  void ensure_started(unsigned cpu);
  void start(unsigned cpu, u64 entry);

  /// Where `place` is in the machine's memory. Under the hypervisor the host's page is made present, clean.
  std::optional<Pa> physical(Place place);
  /// The slot's address in the VMM for an IPA.
  std::optional<u64> hva(u64 ipa);
  const std::vector<hyp::SlotInfo>& slots() const { return slots_; }
  /// The VM's slots are others now.
  void slots_changed();
  /// The hypervisor's leaf for an IPA, looked up without touching caches as Vm::for_each_leaf would.
  std::optional<hyp::LeafInfo> stage2_leaf(u64 ipa);
  /// The host's core: through the VMM's mapping where there is one.
  bool host_write(Place place, std::span<const u8> bytes);
  bool host_read(Place place, std::span<u8> out);
  /// As `info` says, or plain memory where no caches are modelled.
  bool access_write(const cache::AccessInfo& info, Pa pa, std::span<const u8> bytes);
  bool access_read(const cache::AccessInfo& info, Pa pa, std::span<u8> out);
  /// DC or IC by address on the host's core.
  void maintain(const Maintain& what, Pa pa);

  /// A HVC ends the current run step instead of reaching the hypervisor.
  void catch_hvc(bool on) { catch_hvc_ = on; }
  bool take_hvc() { return std::exchange(hvc_seen_, false); }

  std::vector<Exit> exits;
  std::vector<cache::Report> reports;
  std::map<std::string, u64, std::less<>> named;  ///< what `read ... as NAME` got

  // For --explain and the museum.
  bool tells(Detail detail) const { return detail_ >= detail; }
  void say(const std::string& text) { story_ += text; }
  const std::string& story() const { return story_; }
  /// `pa`, with the name that the scenario has for its line in front if there is one.
  std::string named_place(Pa pa);
  /// What has happened to the lines that the scenario has named.
  std::string line_histories();

 private:
  class Recorder;
  World(const Scenario& scenario, const VariantConfig& config, Detail detail);
  Result<void, UserError> set_up();
  Result<void, UserError> add_slots();
  void build_tables();
  void build_stage2();
  Result<void, UserError> load_code();
  bool write_clean(u64 ipa, std::span<const u8> bytes);
  u64 bare_pa(u64 ipa) const;
  void on_report(const cache::Report& found);

  const Scenario& scenario_;
  bool bare_;
  u64 piece_;  ///< see Overrides
  Detail detail_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<Recorder> recorder_;
  std::vector<hyp::SlotInfo> slots_;
  std::vector<bool> started_;
  std::set<u64> lines_;  ///< named, by physical address
  u64 next_table_ = 0;   ///< IPA; tables grow downwards from the end of RAM
  u64 s1_root_ = 0, s2_root_ = 0;
  bool catch_hvc_ = false, hvc_seen_ = false;
  std::string story_;
};

}  // namespace farside::scenario
