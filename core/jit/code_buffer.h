// core/jit/code_buffer.h - host memory for translated code, and the routines by which C++ and that code call each
// other.
#pragma once
#include <optional>

#include "core/base/bits.h"
#include "core/jit/block.h"
#include "core/jit/guesses.h"
#include "core/jit/host_features.h"

namespace farside::jit {

/// Memory for code, filled from the bottom and emptied as a whole.
class CodeBuffer {
 public:
  /// Room for `bytes` of code; check ok() before use. `lines`: see JitOptions.
  CodeBuffer(usize bytes, const HostFeatures& host, bool lines = false);
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
  usize used() const { return static_cast<usize>(asm_->here() - code_); }
  usize left() const { return static_cast<usize>(base_ + size_ - asm_->here()); }
  /// Forgets all translated code, but not the routines.
  void reset() {
    asm_->move_to(code_);
    guess_count_ = 0;
  }

  /// A new record within the code's reach, or null if there is no room.
  DistanceGuess* add_guess();
  usize guess_count() const { return guess_count_; }
  /// Forgets all but the first `count` records.
  void keep_guesses(usize count) { guess_count_ = count; }
  DistanceGuess* guesses() const { return reinterpret_cast<DistanceGuess*>(base_ + size_); }

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
  /// Called with RCX = a DistanceGuess*, where RDX is none of its distances; RCX is lost.
  const u8* note_distance() const { return note_distance_; }
  /// What translated code may use of the host, and where vector_constants() lie.
  const HostFeatures& host() const { return host_; }
  const u8* constants() const { return constants_; }
  /// Memory is accessed in lines that modelled caches have lent.
  bool lines() const { return lines_; }

 private:
  void emit_routines();
  u8 *base_ = nullptr, *writable_ = nullptr;
  usize size_;  ///< of the code; the guesses follow
  usize guess_count_ = 0;
  std::optional<Asm> asm_;
  u8* code_ = nullptr;  ///< the first byte behind the routines
  u64 (*enter_)(const Frame*, const u8*) = nullptr;
  const u8 *leave_ = nullptr, *fallback_ = nullptr, *sign_ = nullptr, *authenticate_ = nullptr, *constants_ = nullptr,
           *note_distance_ = nullptr;
  HostFeatures host_;
  bool lines_;
};

/// Executes `site` in the interpreter's handler; returns an Exit.
u64 run_site(Frame* frame, const Site* site);

}  // namespace farside::jit
