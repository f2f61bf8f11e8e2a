// firmware/hyp/host/invalidation.h - brackets a change of host page tables with notifier start and end.
#pragma once
#include "firmware/hyp/host/notifier.h"
#include "firmware/hyp/host/space.h"

namespace farside::hyp::host {

/// invalidate_range_start on construction, invalidate_range_end on destruction, a yield point inside each.
class Space::Invalidation {
 public:
  Invalidation(MmuNotifier* notifier, YieldPort& yield, HvaRange range)
      : notifier_(notifier), yield_(yield), range_(range) {
    if (!notifier_) return;
    notifier_->invalidate_range_start(range_);
    yield_.at(YieldPoint::NotifierAfterStart);
  }
  ~Invalidation() {
    if (!notifier_) return;
    yield_.at(YieldPoint::NotifierBeforeEnd);
    notifier_->invalidate_range_end(range_);
  }
  Invalidation(const Invalidation&) = delete;

 private:
  MmuNotifier* notifier_;
  YieldPort& yield_;
  HvaRange range_;
};

}  // namespace farside::hyp::host
