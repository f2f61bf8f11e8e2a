// firmware/hyp/errors.h - the error numbers that KVM's ioctls and fault path return.
#pragma once
#include "core/base/types.h"

namespace farside::hyp {

/// Linux error numbers, spelled without the E; KVM returns them negated.
enum class Errno : u8 {
  NoEnt = 2,
  Again = 11,  ///< lost a race: replay the instruction
  NoMem = 12,
  Fault = 14,
  Exist = 17,
  NoExec = 8,  ///< fetch from device memory: the guest gets a prefetch abort
  Inval = 22,
  NoSys = 38,
  HwPoison = 133,
};
constexpr const char* name(Errno e) {
  switch (e) {
    case Errno::NoEnt: return "ENOENT";
    case Errno::Again: return "EAGAIN";
    case Errno::NoMem: return "ENOMEM";
    case Errno::Fault: return "EFAULT";
    case Errno::Exist: return "EEXIST";
    case Errno::NoExec: return "ENOEXEC";
    case Errno::Inval: return "EINVAL";
    case Errno::NoSys: return "ENOSYS";
    case Errno::HwPoison: return "EHWPOISON";
  }
  return "?";
}

}  // namespace farside::hyp
