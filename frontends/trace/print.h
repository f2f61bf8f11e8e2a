// frontends/trace/print.h - trace events as lines of text.
#pragma once
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "core/arch/el.h"
#include "core/base/trace.h"

namespace farside::trace {

/// The words of a KVM event in the kernel's own format, without prefix: "PC: 0xffff800008010000". Events that the
/// kernel does not have, or whose fields are not those of kvm_formats.def, come out as "name value" pairs.
std::string kvm_text(const TraceEvent& event);
/// "name value name value", numbers in hexadecimal.
std::string plain_text(const TraceEvent& event);

/// A64 assembly text of one instruction word at `pc`; ".inst 0x........" when Capstone does not know it.
class Disassembler {
 public:
  Disassembler();
  ~Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;
  std::string text(u64 pc, u32 word) const;

 private:
  usize handle_ = 0;
};

/// The name of code in the guest, or an empty text.
using NameCode = std::function<std::string(u64 pc, El el)>;

/// Turns events into lines as ftrace prints them:
/// `       CPU 0/KVM-1000    [000] .....     0.012345: kvm_entry: PC: 0xffff800008010000`.
class Printer {
 public:
  /// `time_ns` gives virtual time in nanoseconds.
  /// `name` names code ("memcpy+0x40", or nothing); it may be empty.
  explicit Printer(std::function<u64()> time_ns, NameCode name = {})
      : time_ns_(std::move(time_ns)), name_(std::move(name)) {}
  /// One line with its line feed.
  std::string line(const TraceEvent& event) const;

 private:
  std::string body(const TraceEvent& event) const;
  std::function<u64()> time_ns_;
  NameCode name_;
  Disassembler disassembler_;
};

/// A Trace::Sink that writes lines to `file`, which must outlive it.
Trace::Sink print_to(std::FILE* file, std::function<u64()> time_ns, NameCode name = {});

}  // namespace farside::trace
