// core/jit/code_buffer.h - host memory for translated code, and the routines by which C++ and that code call each
// other.
#pragma once
#include <optional>

#include "core/base/bits.h"
#include "core/jit/block.h"
#include "core/jit/host_features.h"

namespace farside::jit {

/// Memory for code, filled from the bottom and emptied as a whole.
class CodeBuffer {
 public:
  static constexpr usize kPredictions = usize{1} << 18;
  /// Room for `bytes` of code and a number of predictions, at least 1; check ok() before use.
  CodeBuffer(usize bytes, const HostFeatures& host, usize predictions = kPredictions);
  ~CodeBuffer();
  CodeBuffer(const CodeBuffer&) = delete;
  CodeBuffer& operator=(const CodeBuffer&) = delete;
  bool ok() const { return asm_.has_value(); }

  /// Emits at the end of the code so far.
  Asm& code() { return *asm_; }
  /// The next code begins at a multiple of `bytes`.
  void align(unsigned bytes = 64) {
    asm_->move_to(reinterpret_cast<const u8*>(align_up(reinterpret_cast<u64>(asm_->here()), bytes)));
  }
  usize used() const { return static_cast<usize>(asm_->here() - code_); }
  usize left() const { return static_cast<usize>(base_ + size_ - asm_->here()); }
  /// Forgets all translated code, but not the routines.
  void reset() { asm_->move_to(code_); }

  /// Runs the code at `code` with guest registers of `frame.pe` loaded; returns an Exit or a Link*.
  u64 enter(const Frame& frame, const u8* code) const { return enter_(&frame, code); }
  /// Where code jumps with RAX = what enter() returns: stores the guest registers.
  const u8* leave() const { return leave_; }
  /// Called with RAX = a Site*: runs it in the interpreter, and comes back or leaves.
  const u8* fallback() const { return fallback_; }
  /// RAX = RAX signed or authenticated with instruction key A and modifier RCX; RDX is lost. Carry: the interpreter
  /// must do it.
  const u8* sign() const { return sign_; }
  const u8* authenticate() const { return authenticate_; }
  /// What translated code may use of the host, and where vector_constants() lie.
  const HostFeatures& host() const { return host_; }
  const u8* constants() const { return constants_; }
  /// One of the words beside the code in which loads and stores remember L0 entries, in turn.
  u32* prediction(usize n) const { return predictions_ + n % prediction_count_; }
  /// Where code counts predictions that were wrong, if it is emitted to count.
  u64* mispredictions() const { return mispredictions_; }
  /// Makes every prediction a random one.
  void disturb(u64 seed);

 private:
  usize data_bytes() const { return sizeof(u64) + prediction_count_ * sizeof(u32); }
  bool map();
  void emit_routines();
  u8 *base_ = nullptr, *writable_ = nullptr;
  usize size_, prediction_count_;
  // Behind the code, within reach of its instructions.
  u64* mispredictions_ = nullptr;
  u32* predictions_ = nullptr;
  std::optional<Asm> asm_;
  u8* code_ = nullptr;  ///< the first byte behind the routines
  u64 (*enter_)(const Frame*, const u8*) = nullptr;
  const u8 *leave_ = nullptr, *fallback_ = nullptr, *sign_ = nullptr, *authenticate_ = nullptr, *constants_ = nullptr;
  HostFeatures host_;
};

/// Executes `site` in the interpreter's handler; returns an Exit.
u64 run_site(Frame* frame, const Site* site);

}  // namespace farside::jit
