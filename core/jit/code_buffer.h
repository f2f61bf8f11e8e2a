// core/jit/code_buffer.h - host memory for translated code, and the routines by which C++ and that code call each
// other.
#pragma once
#include "core/jit/block.h"

namespace farside::jit {

/// One mapping, filled from the bottom and emptied as a whole.
class CodeBuffer {
 public:
  /// Room for `bytes` of code; check ok() before use.
  explicit CodeBuffer(usize bytes);
  ~CodeBuffer();
  CodeBuffer(const CodeBuffer&) = delete;
  CodeBuffer& operator=(const CodeBuffer&) = delete;
  bool ok() const { return base_ != nullptr; }

  u8* cursor() const { return cursor_; }
  void advance(u8* to) { cursor_ = to; }
  usize used() const { return static_cast<usize>(cursor_ - code_); }
  usize left() const { return static_cast<usize>(base_ + size_ - cursor_); }
  /// Forgets all translated code, but not the routines.
  void reset() { cursor_ = code_; }

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

 private:
  void emit_routines();
  u8* base_ = nullptr;
  usize size_;
  u8* cursor_ = nullptr;
  u8* code_ = nullptr;  ///< the first byte behind the routines
  u64 (*enter_)(const Frame*, const u8*) = nullptr;
  const u8 *leave_ = nullptr, *fallback_ = nullptr, *sign_ = nullptr, *authenticate_ = nullptr;
};

/// Executes `site` in the interpreter's handler; returns an Exit.
u64 run_site(Frame* frame, const Site* site);

}  // namespace farside::jit
