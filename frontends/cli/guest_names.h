// frontends/cli/guest_names.h - names for the code of the guest that a run boots: which file has them, and where it
// runs.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "frontends/machine/machine.h"
#include "frontends/symbols/namer.h"

namespace farside::cli {

/// Reads the file when the first name is asked for: most runs never do.
class GuestNames {
 public:
  /// `symbols` is the file of --symbols, or empty: then the kernel's own are used, if it has any. The error is that
  /// --symbols names a file without symbols.
  static Result<std::unique_ptr<GuestNames>, UserError> create(const std::string& symbols, const std::string& kernel);
  /// From now on `machine` gets its names here, and its cores say where the kernel runs. This outlives it.
  void serve(machine::Machine& machine);
  /// "memcpy+0x40", or nothing.
  std::string name(u64 pc, El el);

 private:
  explicit GuestNames(std::string kernel) : kernel_(std::move(kernel)) {}
  void locate();

  std::string kernel_;
  std::optional<symbols::Symbols> symbols_;
  bool read_ = false;
  machine::Machine* machine_ = nullptr;
  std::optional<symbols::Namer> namer_;
};

}  // namespace farside::cli
