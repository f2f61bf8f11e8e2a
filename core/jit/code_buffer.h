// core/jit/code_buffer.h - host memory for translated code, and the routines by which C++ and that code call each
// other.
#pragma once
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/bits.h"
#include "core/jit/block.h"
#include "core/jit/guesses.h"
#include "core/jit/host_features.h"

namespace farside::jit {

/// Memory for code, emptied as a whole: one half for what runs often, the other for what rarely does, so that the
/// host's caches hold more of the first.
class CodeBuffer {
 public:
  /// Room for `bytes` of code; check ok() before use. `lines`, `whole`: see JitOptions.
  CodeBuffer(usize bytes, const HostFeatures& host, bool lines = false, bool whole = false);
  ~CodeBuffer();
  CodeBuffer(const CodeBuffer&) = delete;
  CodeBuffer& operator=(const CodeBuffer&) = delete;
  bool ok() const { return base_ != nullptr && writable_ != nullptr; }

  /// Emits at the end of the code so far.
  Asm& code() { return *asm_; }
  /// The next code begins at a multiple of `bytes`.
  void align(unsigned bytes = 64) {
    asm_->move_to(reinterpret_cast<const u8*>(align_up(reinterpret_cast<u64>(asm_->here()), bytes)));
  }
  /// Between these two calls code() emits in the half for what rarely runs.
  void begin_rare() { asm_->move_to(std::exchange(rare_, asm_->here())); }
  void end_rare() { asm_->move_to(std::exchange(rare_, asm_->here())); }
  usize used() const { return static_cast<usize>(asm_->here() - code_ + (rare_ - first_rare())); }
  /// Room in the fuller half.
  usize left() const { return static_cast<usize>(std::min(first_rare() - asm_->here(), base_ + size_ - rare_)); }
  /// Forgets all translated code, but not the routines.
  void reset() {
    asm_->move_to(code_);
    rare_ = first_rare();
    guess_count_ = 0;
  }

  /// A new record within the code's reach, or null if there is no room.
  DistanceGuess* add_guess();
  usize guess_count() const { return guess_count_; }
  /// Forgets all but the first `count` records.
  void keep_guesses(usize count) { guess_count_ = count; }
  DistanceGuess* guesses() const { return reinterpret_cast<DistanceGuess*>(base_ + size_ + kDataBytes); }

  /// Runs the code at `code` with guest registers of frame().pe loaded; returns an Exit or a Link*.
  u64 enter(const u8* code) const { return enter_(code); }
  /// Where code lies from the buffer's beginning, never 0, and back.
  u32 offset_of(const u8* code) const { return static_cast<u32>(code - base_); }
  const u8* at(u32 offset) const { return base_ + offset; }
  Frame& frame() const { return data().frame; }
  const EngineData::Returns& returns() const { return data().returns; }
  HostMem frame_field(usize offset) const { return data_field(offsetof(EngineData, frame) + offset); }
  HostMem run_slot(unsigned n) const { return data_field(offsetof(EngineData, distances) + n * 8); }
  HostMem returns_field(usize offset) const { return data_field(offsetof(EngineData, returns) + offset); }
  /// The return-address ring (translator_calls.cpp) forgets all calls, while C++ runs that translated code has called.
  void forget_returns() const { frame().ring = empty_ring(); }
  /// RSP of an empty ring: it has one address, that of what is done for returns that find no call.
  u64 empty_ring() const { return ring_end_ - 8; }
  /// Bits of RSP that are all zero where the ring has no room left.
  static constexpr i32 kRingMask = 0xffff;
  /// Where a return goes on, its target in RDX, that is not to where the last call in the ring came from.
  const u8* other_return() const { return other_return_; }
  /// Where code jumps with RAX = what enter() returns: stores the guest registers.
  const u8* leave() const { return leave_; }
  /// Called with RAX = a Site*: runs it in the interpreter, and comes back or leaves.
  const u8* fallback() const { return fallback_; }
  /// Called with RCX = a LineSite*, RDX = its address: serves the access. RCX + RDX is then where the fast path finds
  /// its data, or may store it once more. Equal: the interpreter must do it. Vector registers are lost.
  const u8* serve_line() const { return serve_line_; }
  /// Where code jumps, with modelled caches, with RDX = the address of an instruction whose line is not lent, or is
  /// another than RAX, the CodeLine* of the block that RCX = a Link* leads to: fetches the line and goes on there, or
  /// leaves. RCX may be 0.
  const u8* serve_jump() const { return serve_jump_; }
  /// RAX = RAX signed or authenticated with instruction key A and modifier RCX; RDX is lost. Carry: the interpreter
  /// must do it.
  const u8* sign() const { return sign_; }
  const u8* authenticate() const { return authenticate_; }
  /// Called with RCX = a DistanceGuess*, where RDX is none of its distances; RCX is lost.
  const u8* note_distance() const { return note_distance_; }
  /// RAX = the host address of the instruction at RDX, plus 1 in a guarded page; jumps if L0 does not know it.
  static Patch probe_page(Asm& a);
  /// RCX = the jump cache's entry for the address RDX with that RAX; jumps if it has none.
  std::array<Patch, 2> probe_jump_cache(Asm& a) const;
  /// What translated code may use of the host, and where vector_constants() lie.
  const HostFeatures& host() const { return host_; }
  const u8* constants() const { return constants_; }
  /// Memory is accessed in lines that modelled caches have lent.
  bool lines() const { return lines_; }
  /// With lines(): data are accessed where RAM is, in pages and lines of which modelled caches let nobody see more.
  bool whole() const { return whole_; }

 private:
  static constexpr usize kDataBytes = 512;
  static_assert(sizeof(EngineData) <= kDataBytes);
  u8* first_rare() const { return base_ + size_ / 2; }
  EngineData& data() const { return *reinterpret_cast<EngineData*>(base_ + size_); }
  HostMem data_field(usize offset) const { return {.base = RDX, .data = base_ + size_ + offset}; }
  void emit_routines();
  usize all_bytes() const;
  void emit_entry(Asm& a);
  void emit_leave(Asm& a);
  void emit_serve_line(Asm& a);
  void emit_serve_jump(Asm& a);
  void emit_return(Asm& a, usize counter) const;
  u8 *base_ = nullptr, *writable_ = nullptr;
  usize size_;        ///< of the code; EngineData, the guesses and the ring follow
  u64 ring_end_ = 0;  ///< behind the oldest address of the ring
  usize guess_count_ = 0;
  std::optional<Asm> asm_;
  u8* code_ = nullptr;  ///< the first byte behind the routines
  u8* rare_ = nullptr;  ///< where the other half goes on
  u64 (*enter_)(const u8*) = nullptr;
  const u8 *leave_ = nullptr, *restore_ = nullptr, *fallback_ = nullptr, *serve_line_ = nullptr, *serve_jump_ = nullptr,
           *sign_ = nullptr, *authenticate_ = nullptr, *constants_ = nullptr, *note_distance_ = nullptr,
           *other_return_ = nullptr;
  HostFeatures host_;
  bool lines_, whole_;
};

/// Executes `site` in the interpreter's handler; returns an Exit.
u64 run_site(Frame* frame, const Site* site);
/// Makes the access of `site`, at `va`, that its probe does not serve. Returns where its data is; null if the
/// interpreter's handler must execute the instruction, in which nothing has happened yet or the access has been made
/// (Pe::access_made).
u8* serve_line(Frame* frame, const LineSite* site, u64 va);
/// Fetches the line of the instruction at `pc`. Returns the code that is translated of that instruction, or an Exit.
/// `link`, if any, leads to a block of `wanted`, and will lead to this one if the line is mostly another.
u64 serve_jump(Frame* frame, u64 pc, Link* link, struct CodeLine* wanted);

}  // namespace farside::jit
