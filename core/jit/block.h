// core/jit/block.h - translated blocks, the links between them, and the places where they call the interpreter.
#pragma once
#include <vector>

#include "core/interp/handlers.h"
#include "core/jit/layout.h"

namespace farside::jit {

constexpr unsigned kMaxBlock = 64;  ///< instructions

struct Block;

/// A place that jumps to a known address: to the target's code where that is there, else to a stub that asks the
/// dispatcher.
struct Link {
  u64 target = 0;
  Block* from = nullptr;
  Block* to = nullptr;  ///< null: not connected
  Patch jump{};         ///< the jump that is redirected
  const u8* stub = nullptr;
  bool apart = false;       ///< to a block whose accesses do not share looks at L0
  u8* host_page = nullptr;  ///< where the code compares the target's page or line with that of `to`; null within one
  Patch other_line{};       ///< the jump behind that comparison of lines
  const u8* not_lent = nullptr;  ///< and where it goes once connected: the dispatcher need not look at the link
  u32 other_lines = 0;           ///< times that the line of the target held other bytes than those `to` was made from
  Link* next_out = nullptr;      ///< of the same block
  Link *next_in = nullptr, **in = nullptr;  ///< of the same target: the next one, and what points to this one
};

/// An instruction that the interpreter's handler executes, always or when the fast path does not apply.
struct Site {
  interp::Handler handler = nullptr;
  const Block* block = nullptr;
  u64 pc = 0;
  u32 word = 0;
  isa::A64 form = isa::A64::Undefined;
  u32 remaining = 0;    ///< instructions of the block from this one on
  bool leaves = false;  ///< may change what the frame says of the PE: translated code ends here
};

/// With modelled caches: a load or store whose line or page may have to be lent first.
struct LineSite {
  enum class Data : u8 { None, General, Vector, Zero };
  const Block* block = nullptr;
  u64 pc = 0;
  u32 remaining = 0;       ///< as in Site
  u8 size = 0;             ///< bytes
  Data data = Data::None;  ///< what is stored: registers `rt` and, if size is twice `each`, `rt2`; None: a load
  u8 each = 0, rt = 0, rt2 = 0;
};

/// What is done for a block: more where the time goes, less again where that does not pay.
enum class Tier : u8 { Plain, Hot, Settled };

/// Code of one guest page: straight-line, or a path through branches. It depends on its address, its bytes and whether
/// its page is guarded.
struct Block {
  u64 pc = 0;
  /// Host address of its bytes, plus 1 where the page is guarded: what L0 says of the page; plus kApart where each
  /// access looks at L0 itself. With modelled caches, the address of the bytes in a CodeLine.
  u64 host = 0;
  u8* code = nullptr;
  u32 count = 0;                     ///< instructions
  const u8* rare = nullptr;          ///< slow paths and what is left by
  u32 host_size = 0, rare_size = 0;  ///< bytes of host code at `code`, and at `rare`
  Tier tier = Tier::Plain;
  u32 samples = 0;                       ///< slices that ended here since it was translated
  u32 first_guess = 0, guess_count = 0;  ///< its records in the code buffer
  u64 misses = 0;                        ///< of its guesses, when last looked at
  u64 runs = 0;                          ///< times entered; counted on request only
  bool dropped = false;
  bool path = false;       ///< goes on behind branches: its instructions are anywhere in the page
  std::vector<u32> words;  ///< where bytes keep changing: what they were; compared each time the block is entered
  Block* next = nullptr;   ///< in the same bucket of the table
  Block* next_in_page = nullptr;
  Link *incoming = nullptr, *outgoing = nullptr;
  bool verify() const { return !words.empty(); }
  const u8* bytes() const { return reinterpret_cast<const u8*>(host & ~u64{3}); }
  static constexpr u64 kApart = 2;
  bool apart() const { return (host & kApart) != 0; }
};

/// One entry of the table that indirect branches look up: direct-mapped by PC.
struct JumpCacheEntry {
  u64 host = 0, pc = ~u64{0};
  const u8* code = nullptr;
  Block* block = nullptr;
};
constexpr unsigned kJumpCacheLog2 = 16;
static_assert(sizeof(JumpCacheEntry) == 32);
constexpr u32 kJumpCacheMask = ((1u << kJumpCacheLog2) - 1) << 5;  ///< of PC * 8: the byte offset of an entry

}  // namespace farside::jit
