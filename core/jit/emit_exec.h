// core/jit/emit_exec.h - the executor that emits: every operation of core/isa/exec.h becomes host code, or declines.
//
// Values are expressions: constants, guest registers, host temporaries, or operations on those that are emitted where
// their result is needed, straight into its destination. An instruction that asks for something this executor does
// not know is declined as a whole: what was emitted for it is dropped, and the interpreter's handler is called instead.
#pragma once
#include <array>
#include <vector>

#include "core/base/result.h"
#include "core/interp/interp_exec.h"
#include "core/isa/exec.h"
#include "core/jit/access_runs.h"
#include "core/jit/code_buffer.h"
#include "core/jit/flag_use.h"
#include "core/jit/vector_kit.h"

namespace farside::jit {

using isa::AtomicOp, isa::CondCode, isa::Flow, isa::Mem, isa::Nothing, isa::Outcome, isa::Pair, isa::RegNo;

/// A value of the program being translated.
struct Value {
  /// Ordered: the host's flags after UCOMISD of operands that are no NaNs, to be given to set_nzcv.
  enum class Kind : u8 { Constant, Guest, Temp, Node, Ordered } kind = Kind::Constant;
  bool narrow = false;  ///< bits 63:32 are known to be 0, or are not part of the value (Guest)
  u8 index = 0;         ///< guest register, host register or node
  u64 constant = 0;
};

/// An operation that has not been emitted yet.
struct Node {
  enum class Op : u8 {
    Add,
    Sub,
    And,
    Orr,
    Eor,
    Not,
    Lsl,
    Lsr,
    Asr,
    Ror,
    Mul,
    Umulh,
    Smulh,
    Clz,
    Sext,
    Zext,
    Swap,
    Load,
    Select,
    Done
  } op = Op::Add;
  bool wide = false;
  u8 amount = 0;  ///< Sext, Zext: bits kept; Load: bytes; Select: index of the condition; Done: host register
  Value a{}, b{};
};

struct Condition {
  enum class Kind : u8 { Flags, Zero, Bit, Equal } kind = Kind::Flags;
  bool negated = false;
  bool wide = false;
  u8 bit = 0;
  CondCode code{};
  Value value{}, other{};
};

/// A SIMD&FP value: a guest register, bytes in memory that a load has found, or a register of the vector kit.
struct VectorValue {
  enum class Kind : u8 { Guest, Loaded, Temp } kind = Kind::Guest;
  u8 index = 0;
  u8 bytes = 16, offset = 0;
};

struct PureCall;

/// Whether x86-64 can have `value` as a 32-bit immediate of an instruction of 64 bits: it is sign-extended.
constexpr bool fits32(u64 value) { return static_cast<u64>(static_cast<i64>(static_cast<i32>(value))) == value; }

class EmitExec {
 public:
  using Val = Value;
  using Cond = Condition;
  using Vec = VectorValue;

  EmitExec(Asm& a, const Features& features, CodeBuffer& routines)
      : a_(a), features_(features), routines_(routines), kit_(a, routines.host(), routines.constants()) {}
  const Features& features() const { return features_; }

  // The translator's side.
  /// A jump out of the instruction's fast path, to be bound to code that executes `instruction` in the interpreter and
  /// resumes behind it.
  static constexpr u8 kNothing = 0xff;
  struct SlowPath {
    Patch from;
    unsigned instruction;
    VectorKit::Map vectors{};        ///< what host vector registers remember where the fast path resumes
    bool flags = false;              ///< and whether the host's flags are then those of the guest
    bool run = false;                ///< a run of accesses does not lie in one known page
    u8* served = nullptr;            ///< where the access goes on once its line has been served; null: by no such path
    LineSite line{};                 ///< that access
    i32 line_table = 0;              ///< the table in which RCX is the offset of its slot; RDX is address ^ tag
    VectorKit::Map vectors_there{};  ///< as `vectors`, at `served`
    std::array<u8, 3> temps{kNothing, kNothing, kNothing};  ///< see temps_
  };
  /// How a block ends.
  struct End {
    enum class Kind : u8 { None, Jump, Branch, Indirect } kind = Kind::None;
    u64 target = 0;
    Cc taken{};
    u8 btype = 0;
  };
  void begin_block(bool guarded, const AccessRuns& runs);
  /// `keep_flags`: what follows may leave the host's flags alone until the carry is read.
  void begin_instruction(u64 pc, u32 word, unsigned number, const FlagUse& flags, bool keep_flags);
  static constexpr u8 kFlagN = 8, kFlagZ = 4, kFlagC = 2, kFlagV = 1, kFlagsAll = 15;
  /// Flags that were to be kept in the host's flags are gone: the block must be emitted again without keeping any.
  bool lost_flags() const { return lost_flags_; }
  /// The instruction may change RAX, RCX and RDX without asking for them.
  void forget_temps() { temps_.fill(kNothing); }
  /// The instruction has been emitted, or declined and taken back.
  void end_instruction();
  void drop_instruction();
  void after_fallback();
  bool declined() const { return declined_; }
  const End& end() const { return end_; }
  /// Whose flags the host's flags register holds, beside their copy in memory where one is needed.
  enum class Live : u8 { None, Subtraction, Addition };
  Live live_flags() const { return live_; }
  /// Stores the flags from the host's, which are those of `live`: N, Z, C and perhaps V. RAX is lost.
  void store_host_flags(Live live, bool overflow = true);
  std::vector<SlowPath>& slow_paths() { return slow_paths_; }
  /// Behind the block: what tries the other distances of guesses.
  void emit_other_guesses();
  Asm& code() { return a_; }
  u32 word() const { return word_; }
  void decline() { declined_ = true; }

  // Registers.
  Val reg(RegNo r, bool sf) { return r.is31() ? imm(0) : guest(r, sf); }
  Val reg_sp(RegNo r, bool sf) { return guest(r.is31() ? kGuestSp : r.raw, sf); }
  void set_reg(RegNo r, bool sf, Val v) {
    if (!r.is31()) set_guest(r, sf, v);
  }
  void set_reg_sp(RegNo r, bool sf, Val v) { set_guest(r.is31() ? kGuestSp : r.raw, sf, v); }
  Vec vec(RegNo r) { return {Vec::Kind::Guest, static_cast<u8>(r.raw)}; }
  void set_vec(RegNo r, const Vec& v);
  Val pc() { return imm(pc_); }
  Val imm(u64 k) { return {Value::Kind::Constant, k <= 0xffffffff, 0, k}; }
  u64 fixed_pc() const { return pc_; }
  bool guarded_page() const { return guarded_; }

  // Arithmetic and logic.
  Val add(Val a, Val b, bool sf);
  Val sub(Val a, Val b, bool sf);
  Val mul(Val a, Val b, bool sf) { return node({Node::Op::Mul, sf, 0, a, b}); }
  Val umulh(Val a, Val b) { return node({Node::Op::Umulh, true, 0, a, b}); }
  Val smulh(Val a, Val b) { return node({Node::Op::Smulh, true, 0, a, b}); }
  Val udiv(Val a, Val b, bool sf) { return divide(a, b, sf, false); }
  Val sdiv(Val a, Val b, bool sf) { return divide(a, b, sf, true); }
  Val and_(Val a, Val b);
  Val orr(Val a, Val b);
  Val eor(Val a, Val b);
  Val not_(Val a, bool sf) { return node({Node::Op::Not, sf, 0, a, {}}); }
  Val lsl(Val a, Val n, bool sf);
  Val lsr(Val a, Val n, bool sf);
  Val asr(Val a, Val n, bool sf);
  Val ror(Val a, Val n, bool sf);
  Val clz(Val a, bool sf) { return node({Node::Op::Clz, sf, 0, a, {}}); }
  Val cls(Val a, bool sf) { return sub(clz(eor(a, asr(a, imm(1), sf)), sf), imm(1), sf); }
  Val rbit(Val, bool) { return refuse(); }
  /// The bytes of a word or doubleword in opposite order.
  Val swap_bytes(Val a, bool sf) { return node({Node::Op::Swap, sf, 0, a, {}}); }
  Val sext(Val a, unsigned from);
  Val zext(Val a, unsigned from);

  // Flags.
  Val add_flags(Val a, Val b, bool sf) { return arithmetic_flags(Alu::Add, a, b, sf); }
  Val sub_flags(Val a, Val b, bool sf) { return arithmetic_flags(Alu::Sub, a, b, sf); }
  Val adc(Val a, Val b, bool sf) { return with_carry(Alu::Adc, a, b, sf, false); }
  Val sbc(Val a, Val b, bool sf) { return with_carry(Alu::Sbb, a, b, sf, false); }
  Val adc_flags(Val a, Val b, bool sf) { return with_carry(Alu::Adc, a, b, sf, true); }
  Val sbc_flags(Val a, Val b, bool sf) { return with_carry(Alu::Sbb, a, b, sf, true); }
  void logic_flags(const Val& v, bool sf);
  Val nzcv() { return refuse(); }
  void set_nzcv(Val v);
  Cond cond(CondCode c) { return {.code = c}; }
  Cond is_zero(Val v, bool sf) { return {.kind = Condition::Kind::Zero, .wide = sf, .value = v}; }
  Cond test_bit(Val v, unsigned n) { return {.kind = Condition::Kind::Bit, .bit = static_cast<u8>(n), .value = v}; }
  Cond not_cond(Cond c) {
    c.negated = !c.negated;
    return c;
  }
  Cond equal(Val a, Val b) { return {.kind = Condition::Kind::Equal, .wide = true, .value = a, .other = b}; }
  Val select(Cond c, Val a, Val b);
  /// CCMP and CCMN.
  void conditional_compare(CondCode code, bool negative, Val a, Val b, bool sf, unsigned otherwise);

  // Calls of pure functions that have a row in the table of pure.h, where these are defined.
  template <class R, class... P, class... Args>
  auto call(R (*fn)(P...), const Args&... args);
  template <class R, class... P, class... Args>
  auto call_fp(R (*fn)(P...), const Args&... args);
  /// Other calls are not translated.
  template <class F, class... Args>
  requires(!std::is_function_v<std::remove_reference_t<F>> &&
           !std::is_pointer_v<std::remove_cvref_t<F>>) auto call(F&&, const Args&...) -> Val {
    return refuse();
  }
  template <class F, class... Args>
  Flow call_pe(F&&, Args&&...) {
    decline();
    return Flow::Next;
  }
  Outcome<Val> add_pac(Val pointer, Val modifier, PacKey key) {
    return {authentication(routines_.sign(), pointer, modifier, key)};
  }
  Outcome<Val> auth_pac(Val pointer, Val modifier, PacKey key) {
    return {authentication(routines_.authenticate(), pointer, modifier, key)};
  }
  Outcome<Val> generic_pac(Val, Val) { return {refuse()}; }
  Val strip_pac(Val, bool) { return refuse(); }

  // Control flow.
  Flow jump(Val target);
  Flow jump_indirect(Val target, unsigned btype);
  Flow branch_if(Cond c, u64 target);
  Flow undefined() {
    decline();
    return Flow::Next;
  }
  Outcome<Nothing> fp_access();

  /// Without modelled caches memory is sequentially consistent.
  void barrier(isa::BarrierKind kind) {
    if (routines_.lines()) order(kind);
  }

  // Memory.
  Outcome<Val> base(RegNo n);
  Outcome<Val> load(Val address, unsigned size, Mem how);
  Outcome<Nothing> store(Val address, unsigned size, Val data, Mem how);
  Outcome<Pair<Val>> load_pair(Val address, unsigned size, Mem how);
  Outcome<Nothing> store_pair(Val address, unsigned size, Val first, Val second, Mem how);
  Outcome<Vec> load_vec(Val address, unsigned size, Mem how);
  Outcome<Nothing> store_vec(Val address, unsigned size, const Vec& data, Mem how);
  Outcome<Pair<Vec>> load_vec_pair(Val address, unsigned size, Mem how);
  Outcome<Nothing> store_vec_pair(Val address, unsigned size, const Vec& first, const Vec& second, Mem how);
  // Exclusives and atomics.
  Outcome<Val> atomic(AtomicOp op, Val address, unsigned size, Val operand, bool ordered);
  Outcome<Pair<Val>> compare_and_swap(Val address, unsigned size, bool pair, Pair<Val> expected, Pair<Val> desired,
                                      bool ordered);
  Outcome<Pair<Val>> load_exclusive(Val address, unsigned size, bool pair, bool acquire);
  Outcome<Val> store_exclusive(Val address, unsigned size, bool pair, bool release, Val data, Val second);
  /// DC ZVA where nothing traps it.
  void zero_block(Val address);

  // Vectors.
  VectorKit& kit() { return kit_; }
  static Vec vector_temp(u8 r) { return {Vec::Kind::Temp, r}; }
  /// The value in a host register, to be read only.
  u8 in_vector(const Vec& v);
  /// What follows computes with the host's floating-point unit as FPCR says, and leaves FPSR's flags in MXCSR.
  void need_fp_unit();
  /// FCCMP: `compare` emits UCOMISD or COMISD and what follows it, for when `code` holds; else NZCV = `otherwise`.
  template <class Compare>
  void conditional_ordered(CondCode code, unsigned otherwise, Compare&& compare) {
    const Cc cc = test_flags(code);
    const Patch skip = a_.jcc(negate(cc));
    compare();
    needed_flags_ = kFlagsAll;  // the other path stores all of them
    save_ordered();
    u8* const done = a_.jmp_short();
    a_.bind(skip);
    store_flags(otherwise);
    a_.bind_short(done);
    clobber_flags();
  }
  /// Code behind a slow path: host registers and flags as the fast path leaves them.
  void resume(const SlowPath& path) {
    kit_.reload(path.vectors);
    free_ = 7;
    if (path.flags) load_flags();
    for (HostReg r : {RAX, RCX, RDX})
      if (path.temps[r] != kNothing) a_.mov(true, r, slot_of_temp(path.temps[r]));
  }
  /// N, Z, C and V from UCOMISD of ordered operands.
  void save_ordered();
  /// `size` bytes (1 to 16) at [RCX + RDX + offset], where host_address has put them.
  void store_vector_at(unsigned offset, unsigned size, const Vec& data);
  void host_address(Val address, unsigned size, bool write, Mem how);
  bool begin_address(Val address, unsigned size, Mem how);
  void order(isa::BarrierKind kind);
  void line_address(Val address, unsigned size, bool write, Mem how);
  LineSite line_site(unsigned size, bool write) const;

  // For the hand-written rules.
  HostMem frame_field(usize offset) const { return routines_.frame_field(offset); }
  /// Leaves the fast path if `cc` holds.
  void slow_if(Cc cc) { slow_paths_.push_back({a_.jcc(cc), number_}); }
  void end_block(End end) { end_ = end; }
  void set_guest(unsigned guest, bool sf, Val v);
  Val guest(unsigned r, bool sf) { return {Value::Kind::Guest, !sf, static_cast<u8>(r), 0}; }
  void into(Val v, HostReg to);
  HostReg temp();
  /// A temporary may be used again.
  void give_back(HostReg r) { release(r); }
  Val temp_value(HostReg r, bool narrow) { return {Value::Kind::Temp, narrow, r, 0}; }
  void clobber_flags() {
    lost_flags_ |= kept_flags_;
    live_ = Live::None;
  }
  /// A host condition that is true when `code` holds.
  Cc holds(CondCode code) { return test_flags(code); }

 private:
  struct Source {
    enum class Kind : u8 { Register, Memory, Constant } kind;
    HostReg reg = RAX;
    HostMem mem{RBP};
    i32 constant = 0;
    bool is(HostReg r) const { return kind == Kind::Register && reg == r; }
  };

  Val refuse() {
    decline();
    return {};
  }
  Val node(Node n);
  Node& at(Val v) { return nodes_[v.index]; }
  bool is_constant(Val v) const { return v.kind == Value::Kind::Constant; }
  unsigned width_of(Val v) const;
  unsigned width_of_node(const Node& n) const;
  Val without_mask(Val v) const;
  bool is_node(Val v, Node::Op op) const { return v.kind == Value::Kind::Node && nodes_[v.index].op == op; }
  Val fold(Node::Op op, Val a, Val b, bool wide);
  Val authentication(const u8* routine, Val pointer, Val modifier, PacKey key);
  Val divide(Val a, Val b, bool sf, bool is_signed);
  void check_fresh(unsigned guest);
  bool mentions(Val v, HostReg r) const;
  Source source(Val v, bool wide);
  Source location(unsigned guest) const;
  void alu(Alu what, bool wide, HostReg to, const Source& from);
  void move(bool wide, HostReg to, const Source& from);
  void start(Val a, HostReg to, bool wide);
  void set_mapped(HostReg to, bool sf, Val v);
  void set_unmapped(unsigned guest, bool sf, Val v);
  HostReg result_register(const Source& other, bool discard);
  void compare(Val a, Val b, bool sf);
  void node_into(const Node& n, HostReg to);
  void zero_extend(Val a, unsigned bytes, HostReg to);
  void binary_into(const Node& n, HostReg to);
  void add_into(const Node& n, HostReg to);
  void shift_into(const Node& n, HostReg to);
  void extend_into(const Node& n, HostReg to);
  void multiply_into(const Node& n, HostReg to);
  void multiply_high_into(const Node& n, HostReg to);
  void select_into(const Node& n, HostReg to);
  HostReg in_register(Val v, bool wide);
  Val arithmetic_flags(Alu what, Val a, Val b, bool sf);
  Val with_carry(Alu what, Val a, Val b, bool sf, bool set_flags);
  HostReg save_flags(Live kind, HostReg keep = RSP);
  void load_flags();
  void store_flags(unsigned nzcv);
  bool defer(Alu what, Val a, Val b, bool sf);
  void compare_now();
  bool awaits(HostReg r) const {
    return live_ == Live::None && waiting_.pending && (mentions(waiting_.a, r) || mentions(waiting_.b, r));
  }
  void test_bits(Val a, Val b, bool sf);
  bool loads_flags(CondCode code) const {
    return live_ == Live::None && !waiting_.pending && code >= CondCode::GE && code <= CondCode::LE;
  }
  Cc test_flags(CondCode code);
  Cc test(const Condition& c);
  HostMem index_entry(bool write);
  void compare_tag(const HostMem& entry, unsigned size, u64 reach = pe::kL0PageSize);
  void guess_distance();
  void access_address(Val address, unsigned size, bool write, Mem how);
  HostReg exclusive_address(Val address, unsigned size, bool write);
  void name_of_line();
  void store_bytes(unsigned size, HostReg from, unsigned offset = 0);
  Pair<Val> old_pair(unsigned size);
  Outcome<Pair<Val>> compare_and_swap_pair(Val address, unsigned size, Pair<Val> expected, Pair<Val> desired);
  Val old_value(unsigned size);
  HostMem found_at(u64 offset) const { return {found_.base, found_.disp + static_cast<i32>(offset), found_.index}; }
  void store_at(unsigned offset, unsigned size, Val data);
  HostReg distance_of(const RunMember& run);
  void indexed_address(Val address, unsigned size, const RunMember& run);
  static bool is_distance(u8 held) { return held >= kDistance && held != kNothing; }
  HostMem slot_of_temp(u8 held) const {
    return is_distance(held) ? routines_.run_slot(held - kDistance) : guest_slot(held);
  }
  void reserve(HostReg r) {
    free_ &= static_cast<u8>(~(1u << r));
    temps_[r] = kNothing;
  }
  void remember(unsigned guest, HostReg r) {
    forget_temp_of(guest);
    temps_[r] = static_cast<u8>(guest);
  }
  void forget_temp_of(unsigned guest) {
    for (u8& held : temps_)
      if (held == guest) held = kNothing;
  }
  void release(HostReg r) {
    if (r <= RDX) free_ |= static_cast<u8>(1u << r);
  }

  Asm& a_;
  Features features_;
  CodeBuffer& routines_;
  VectorKit kit_;
  bool guarded_ = false, declined_ = false;
  bool sp_checked_ = false;     ///< SP is known to be aligned
  bool fp_checked_ = false;     ///< FP access is known to be allowed
  bool fp_unit_ready_ = false;  ///< see need_fp_unit
  u8 free_ = 7;                 ///< RAX, RCX, RDX
  /// Guest registers whose values RAX, RCX and RDX still have, or kDistance + slots of runs; memory has them too.
  std::array<u8, 3> temps_{kNothing, kNothing, kNothing};
  static constexpr u8 kDistance = 64;
  /// Bits of each guest register from this one up are zero.
  std::array<u8, kGuestSp + 1> widths_{};
  Live live_ = Live::None;
  u8 needed_flags_ = kFlagsAll;
  /// A comparison that has not been emitted; its operands still are what they were.
  struct Waiting {
    bool pending = false, wide = false;
    Alu what = Alu::Cmp;
    Val a{}, b{};
  } waiting_;
  bool may_defer_ = false;
  bool keeps_flags_ = false;  ///< the carry that is needed alone may stay in the host's flags
  bool kept_flags_ = false, lost_flags_ = false, kept_before_ = false, lost_before_ = false;
  u64 pc_ = 0;
  u32 word_ = 0;
  unsigned number_ = 0;
  u8* start_ = nullptr;
  usize slow_start_ = 0, guess_start_ = 0;
  u64 written_ = 0;          ///< guest registers that this instruction has written already
  u32 vectors_written_ = 0;  ///< the same of SIMD&FP registers
  unsigned node_count_ = 0;
  unsigned condition_count_ = 0;
  bool sp_checked_before_ = false, fp_checked_before_ = false, fp_unit_ready_before_ = false;
  Live live_before_ = Live::None;
  std::array<Node, 24> nodes_{};
  std::array<Condition, 4> conditions_{};
  End end_{};
  std::vector<SlowPath> slow_paths_;
  struct Guess {
    Patch other;  ///< the newest distance is wrong
    u8* back;     ///< where RDX is the right one
    const DistanceGuess* guess;
  };
  std::vector<Guess> guesses_;
  const AccessRuns* runs_ = nullptr;
  HostMem found_{RCX, 0, RDX};  ///< what the instruction accesses
};

}  // namespace farside::jit
