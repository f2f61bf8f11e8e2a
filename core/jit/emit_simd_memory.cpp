// core/jit/emit_simd_memory.cpp - SIMD&FP registers: access traps, loads, stores and values.
#include "core/jit/emit_exec.h"

namespace farside::jit {

/// Slow paths of this instruction must leave host registers as the fast path does.
void EmitExec::end_instruction() {
  if (slow_start_ != slow_paths_.size() && live_ == Live::Addition) clobber_flags();  // load_flags makes no such flags
  for (usize i = slow_start_; i < slow_paths_.size(); ++i) {
    slow_paths_[i].vectors = kit_.map();
    slow_paths_[i].temps = temps_;
    slow_paths_[i].flags = live_ == Live::Subtraction;
  }
}

isa::Outcome<isa::Nothing> EmitExec::fp_access() {
  if (!fp_checked_) {
    a_.cmp8(routines_.frame_field(offsetof(Frame, fp_allowed)), 0);
    clobber_flags();
    slow_if(Cc::E);
    fp_checked_ = true;
  }
  return {};
}

/// The interpreter's handler makes the unit ready, or leaves the block where FPCR asks for what x86 does not do.
void EmitExec::need_fp_unit() {
  if (fp_unit_ready_) return;
  a_.cmp8(routines_.frame_field(offsetof(Frame, fp_unit)), 0);
  clobber_flags();
  slow_if(Cc::E);
  fp_unit_ready_ = true;
}

u8 EmitExec::in_vector(const Vec& v) {
  if (v.kind == Vec::Kind::Temp) return v.index;
  if (v.kind == Vec::Kind::Guest) {
    if ((vectors_written_ >> v.index & 1) != 0) decline();
    return kit_.guest(v.index);
  }
  const HostMem from = found_at(v.offset);
  switch (v.bytes) {
    case 16: return kit_.load(from);
    case 8: return kit_.load_64(from);
    case 4: return kit_.load_32(from);
    default: {
      const u8 free_before = free_, to = kit_.fresh();
      const HostReg t = temp();
      a_.load_extended(t, from, v.bytes, false, false);
      kit_.x86().movd(xmm(to), gp(false, t));
      free_ = free_before;
      return to;
    }
  }
}

void EmitExec::set_vec(RegNo r, const Vec& v) {
  if (declined_) return;
  kit_.set_guest(r, in_vector(v));
  vectors_written_ |= u32{1} << r;
  if (kit_.exhausted()) decline();
}

isa::Outcome<VectorValue> EmitExec::load_vec(Val address, unsigned size, Mem how) {
  access_address(address, size, false, how);
  return {{Vec::Kind::Loaded, 0, static_cast<u8>(size), 0}};
}

isa::Outcome<isa::Pair<VectorValue>> EmitExec::load_vec_pair(Val address, unsigned size, Mem how) {
  access_address(address, 2 * size, false, how);
  const u8 bytes = static_cast<u8>(size);
  return {{{Vec::Kind::Loaded, 0, bytes, 0}, {Vec::Kind::Loaded, 0, bytes, bytes}}};
}

void EmitExec::store_vector_at(unsigned offset, unsigned size, const Vec& data) {
  const HostMem to = found_at(offset);
  if (data.kind == Vec::Kind::Guest && !kit_.cached(data.index) && size < 16) {
    const u8 free_before = free_;
    const HostReg t = temp();
    a_.load_extended(t, vector_slot(data.index), size, false, false);
    switch (size) {
      case 1: a_.mov8(to, t); break;
      case 2: a_.mov16(to, t); break;
      case 4: a_.mov(false, to, t); break;
      default: a_.mov(true, to, t); break;
    }
    free_ = free_before;
    return;
  }
  const u8 from = in_vector(data);
  auto& x = kit_.x86();
  const bool avx = kit_.host().avx;
  switch (size) {
    case 1: avx ? x.vpextrb(mem(to, 1), xmm(from), 0) : x.pextrb(mem(to, 1), xmm(from), 0); break;
    case 2: avx ? x.vpextrw(mem(to, 2), xmm(from), 0) : x.pextrw(mem(to, 2), xmm(from), 0); break;
    case 4: avx ? x.vmovd(mem(to, 4), xmm(from)) : x.movd(mem(to, 4), xmm(from)); break;
    case 8: avx ? x.vmovq(mem(to, 8), xmm(from)) : x.movq(mem(to, 8), xmm(from)); break;
    default: kit_.store(to, from); break;
  }
}

isa::Outcome<isa::Nothing> EmitExec::store_vec(Val address, unsigned size, const Vec& data, Mem how) {
  access_address(address, size, true, how);
  store_vector_at(0, size, data);
  return {};
}

isa::Outcome<isa::Nothing> EmitExec::store_vec_pair(Val address, unsigned size, const Vec& first, const Vec& second,
                                                    Mem how) {
  access_address(address, 2 * size, true, how);
  store_vector_at(0, size, first);
  store_vector_at(size, size, second);
  return {};
}

}  // namespace farside::jit
