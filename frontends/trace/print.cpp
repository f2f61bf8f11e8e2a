// frontends/trace/print.cpp - trace events as lines of text.
#include "frontends/trace/print.h"

#include <capstone/capstone.h>
#include <fmt/args.h>
#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "core/base/check.h"

namespace farside::trace {
namespace {

struct KvmFormat {
  std::string_view name, text, zero, one;
};
constexpr KvmFormat kKvmFormats[] = {
#define EVENT(name, text, zero, one) {#name, text, zero, one},
#include "frontends/trace/kvm_formats.def"
#undef EVENT
};

// tid of a vCPU thread in the prefix. The kernel's is whatever the host gave it; ours only has to be stable.
constexpr u32 kFirstThread = 1000;

using NamedFields = fmt::dynamic_format_arg_store<fmt::format_context>;

template <class Value>
void add(NamedFields& fields, const std::string& name, const Value& value) {
  fields.push_back(fmt::arg(name.c_str(), value));
}

// A field under its own name, and under the names that kvm_formats.def derives from it.
void add_field(NamedFields& fields, const TraceField& field, const KvmFormat& format) {
  const std::string name(field.name);
  if (field.text.empty()) {
    add(fields, name, field.number);
    add(fields, name + "_word", field.number == 0 ? format.zero : format.one);
    return;
  }
  add(fields, name, field.text);
  add(fields, name + "_number", field.number);
  if (format.name == "kvm_sys_access") {  // the register's encoding, packed op0:op1:CRn:CRm:op2
    add(fields, "op0", field.number >> 14 & 3);
    add(fields, "op1", field.number >> 11 & 7);
    add(fields, "crn", field.number >> 7 & 15);
    add(fields, "crm", field.number >> 3 & 15);
    add(fields, "op2", field.number & 7);
  }
}

u64 number_of(const TraceEvent& event, std::string_view name) {
  for (const TraceField& field : event.fields) {
    if (field.name == name) return field.number;
  }
  return 0;
}

}  // namespace

std::string plain_text(const TraceEvent& event) {
  std::string out;
  for (const TraceField& field : event.fields) {
    if (!out.empty()) out += ' ';
    if (field.text.empty()) {
      fmt::format_to(std::back_inserter(out), "{} {:#x}", field.name, field.number);
    } else {
      fmt::format_to(std::back_inserter(out), "{} {}", field.name, field.text);
    }
  }
  return out;
}

std::string kvm_text(const TraceEvent& event) {
  for (const KvmFormat& format : kKvmFormats) {
    if (format.name != event.name) continue;
    NamedFields fields;
    for (const TraceField& field : event.fields) add_field(fields, field, format);
    try {
      return fmt::vformat(format.text, fields);
    } catch (const fmt::format_error&) {
      break;  // a field has another name or type than the kernel's
    }
  }
  return plain_text(event);
}

Disassembler::Disassembler() {
  const cs_err error = cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle_);
  CHECK(error == CS_ERR_OK, "cs_open: {}", cs_strerror(error));
}

Disassembler::~Disassembler() { cs_close(&handle_); }

std::string Disassembler::text(u64 pc, u32 word) const {
  const u8 bytes[4] = {static_cast<u8>(word), static_cast<u8>(word >> 8), static_cast<u8>(word >> 16),
                       static_cast<u8>(word >> 24)};
  cs_insn* insn = nullptr;
  if (cs_disasm(handle_, bytes, sizeof bytes, pc, 1, &insn) != 1) return fmt::format(".inst 0x{:08x}", word);
  std::string out = fmt::format("{:<7} {}", insn->mnemonic, insn->op_str);
  cs_free(insn, 1);
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::string Printer::body(const TraceEvent& event) const {
  if (event.group == TraceGroup::Kvm) return kvm_text(event);
  if (event.group == TraceGroup::Exec && event.name == "exec") {
    const u64 pc = number_of(event, "pc");
    const u32 word = static_cast<u32>(number_of(event, "word"));
    const u64 el = number_of(event, "el");
    const std::string place = name_ ? name_(pc, static_cast<El>(el)) : std::string();
    return fmt::format("EL{} {:016x} {:08x} {}{}", el, pc, word, disassembler_.text(pc, word),
                       place.empty() ? place : fmt::format("  <{}>", place));
  }
  return plain_text(event);
}

std::string Printer::line(const TraceEvent& event) const {
  const u64 microseconds = time_ns_() / 1000;
  return fmt::format("{:>16}-{:<7} [{:03}] ..... {:5}.{:06}: {}: {}\n", fmt::format("CPU {}/KVM", event.cpu),
                     kFirstThread + event.cpu, event.cpu, microseconds / 1'000'000, microseconds % 1'000'000,
                     event.name, body(event));
}

Trace::Sink print_to(std::FILE* file, std::function<u64()> time_ns, NameCode name) {
  auto printer = std::make_shared<Printer>(std::move(time_ns), std::move(name));
  return [file, printer](const TraceEvent& event) {
    const std::string line = printer->line(event);
    std::fwrite(line.data(), 1, line.size(), file);
  };
}

}  // namespace farside::trace
