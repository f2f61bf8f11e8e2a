// core/pe/visit.h - the registers of a PE one by one, for snapshots and for the hash of a machine's state.
#pragma once
#include "core/base/state.h"
#include "core/pe/pe.h"

namespace farside::pe {

/// Every architectural register of `state`, in the order of a snapshot.
void visit_registers(StateVisitor& visitor, State& state);

}  // namespace farside::pe
