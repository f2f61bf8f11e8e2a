// core/interp/handlers.cpp - assembles the handler table from the groups' registrations.
#include "core/interp/handlers.h"

namespace farside::interp {

HandlerTable::HandlerTable() {
  const Handler undefined = [](InterpExec& x, u32) { return x.undefined(); };
  for (auto& row : rows_) row.fill(undefined);
  register_alu(*this);
  register_branch(*this);
  register_system(*this);
  register_load_store(*this);
  register_atomic(*this);
  register_fp(*this);
  register_simd_load_store(*this);
  register_simd_int(*this);
  register_simd_fp(*this);
  register_simd_permute(*this);
  register_crypto(*this);
}

const HandlerTable& handlers() {
  static const HandlerTable table;
  return table;
}

}  // namespace farside::interp
