// core/jit/known_bits.cpp - how many low bits of a value may be set: what clears the others need not be emitted.
#include <algorithm>

#include "core/jit/emit_exec.h"

namespace farside::jit {

using Op = Node::Op;

/// Bits of `v` from this one up are zero.
unsigned EmitExec::width_of(Val v) const {
  const unsigned most = v.narrow ? 32 : 64;
  switch (v.kind) {
    case Value::Kind::Constant: return static_cast<unsigned>(std::bit_width(v.constant));
    case Value::Kind::Guest: return std::min<unsigned>(most, widths_[v.index]);
    case Value::Kind::Node: return std::min(most, width_of_node(nodes_[v.index]));
    default: return most;
  }
}

unsigned EmitExec::width_of_node(const Node& n) const {
  const auto amount = static_cast<unsigned>(n.b.constant & (n.wide ? 63 : 31));
  switch (n.op) {
    case Op::And: return std::min(width_of(n.a), width_of(n.b));
    case Op::Orr:
    case Op::Eor:
    case Op::Select: return std::max(width_of(n.a), width_of(n.b));
    case Op::Lsr: {
      const unsigned width = width_of(n.a);
      return !is_constant(n.b) ? width : width > amount ? width - amount : 0;
    }
    case Op::Lsl: return is_constant(n.b) ? width_of(n.a) + amount : 64;
    case Op::Zext: return std::min<unsigned>(width_of(n.a), n.amount);
    case Op::Load: return n.amount * 8u;
    default: return 64;
  }
}

/// `v` without an AND that changes nothing.
Value EmitExec::without_mask(Val v) const {
  if (!is_node(v, Op::And)) return v;
  const Node& n = nodes_[v.index];
  return is_constant(n.b) && (~n.b.constant & ones(width_of(n.a))) == 0 ? n.a : v;
}

}  // namespace farside::jit
