// core/jit/forget.cpp - forgets things at random, for tests: whatever is forgotten must only cost time.
#include <algorithm>

#include "core/jit/jit.h"

namespace farside::jit {

bool Jit::forget_at_random(pe::Pe& pe, bool code_runs) {
  Chance& chance = *forgetting_;
  switch (chance.below(8)) {
    case 0:
    case 1: {
      if (blocks_.all().empty()) return false;
      const Block& any = blocks_.all()[chance.below(blocks_.all().size())];
      Block* const block = blocks_.find(any.pc, any.host);
      if (block == nullptr) return false;
      drop(*block);
      code_changed_ = true;
      break;
    }
    case 2:
    case 3: {
      const u64 pages[] = {pe.s.pc, pe.s.sp, pe.s.x[chance.below(31)]};
      pe.l0_context->clear_page(pages[chance.below(std::size(pages))]);
      break;
    }
    case 4: pe.translation_changed(); break;
    case 5:
      if (code_runs) return false;
      flush();
      ++counters_.random_losses;
      return true;
    case 6: {  // guesses become wrong, or older
      if (buffer_.guess_count() == 0) return false;
      auto& distances = buffer_.guesses()[chance.below(buffer_.guess_count())].distance;
      std::rotate(distances.begin(), distances.begin() + 1, distances.end());
      if (chance.below(2) == 0) distances.front() = chance.below(~u64{0});
      break;
    }
    default: return false;
  }
  ++counters_.random_losses;
  return false;
}

}  // namespace farside::jit
