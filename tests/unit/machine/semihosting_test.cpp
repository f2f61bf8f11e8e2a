// tests/unit/machine/semihosting_test.cpp - semihosting where its memory faults, and what a snapshot keeps of its
// files. tests/system/semihosting_test.py has the calls.
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "firmware/hyp/vm.h"
#include "frontends/machine/machine.h"
#include "frontends/machine/semihosting_files.h"
#include "frontends/machine/snapshot_file.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

using namespace farside;
using namespace farside::machine;

namespace {

constexpr u32 kHlt = 0xd45e0000;  // hlt #0xf000

std::unique_ptr<Machine> make(MachineConfig config) {
  config.semihosting.emplace();
  config.max_instructions = 100'000;
  auto machine = Machine::create(config);
  REQUIRE(machine.ok());
  return std::move(*machine);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "farside-semihosting-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

SemihostingFiles files_of(const std::string& path) {
  auto folder = dev::virtio::Folder::open("--semihosting-dir", path, false);
  REQUIRE(folder.ok());
  return SemihostingFiles(std::move(*folder));
}

std::string read(SemihostingFiles& files, u32 handle, usize size) {
  std::string text(size, '?');
  const auto file = files.find(handle);
  REQUIRE(file.ok());
  const auto done = files.read(**file, {reinterpret_cast<u8*>(text.data()), size});
  REQUIRE(done.ok());
  text.resize(*done);
  return text;
}

}  // namespace

TEST_CASE("a call whose arguments cannot be read is a data abort at the HLT, and nothing has been done") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  // adr x2, .; msr vbar_el1, x2; isb; mov x1, #1 << 48, too large an address; mov w0, #SYS_WRITE0; hlt; b .
  std::vector<u32> code{0x10000002, 0xd518c002, 0xd5033fdf, 0xd2e00021, 0x52800080, kHlt, 0x14000000};
  code.resize(0x200 / 4, 0xd503201f);  // up to the vector of a synchronous exception
  const TinyGuest guest(code + call_psci(kSystemOff));
  const auto machine = make(guest.config(el2));
  std::string seen;
  machine->set_console({.output = [&](u8 byte) { seen += static_cast<char>(byte); }});
  CHECK(machine->run().cause == StopCause::PowerOff);
  const pe::Pe& core = *machine->cores().front();
  CHECK(bits(core.s.sys[SysReg::ESR_EL1], 31, 26) == 0x25);
  CHECK(core.s.sys[SysReg::ELR_EL1] == core.s.sys[SysReg::VBAR_EL1] + 5 * 4);
  CHECK(seen.empty());
}

TEST_CASE("a call whose block lies where no memory is fails with EFAULT, and nothing has been done") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const u32 operation = GENERATE(0x04, 0x05, 0x30);  // SYS_WRITE0, SYS_WRITE, SYS_ELAPSED
  const u32 place = GENERATE(0x0900, 0x1000);        // the PL011, nothing at all
  CAPTURE(static_cast<int>(el2), operation, place);
  // movz x1, #place, lsl #16; movz w0, #operation; hlt; mov x20, x0; mov w0, #SYS_ERRNO; hlt; mov x21, x0
  const TinyGuest guest(std::vector<u32>{0xd2a00001 | place << 5, 0x52800000 | operation << 5, kHlt, 0xaa0003f4,
                                         0x52800260, kHlt, 0xaa0003f5} +
                        call_psci(kSystemOff));
  const auto machine = make(guest.config(el2));
  std::string seen;
  machine->set_console({.output = [&](u8 byte) { seen += static_cast<char>(byte); }});
  const RunResult result = machine->run();
  INFO(result.text);
  CHECK(result.cause == StopCause::PowerOff);
  CHECK(machine->cores().front()->s.x[20] == ~u64{0});
  CHECK(machine->cores().front()->s.x[21] == EFAULT);
  CHECK(seen.empty());
}

TEST_CASE("results reach memory that no stage 2 has mapped yet, on either engine") {
  const Engine engine = GENERATE(Engine::Interp, Engine::Jit);
  // movz x1, #0x4300, lsl #16; mov w0, #SYS_ELAPSED; hlt; mov x20, x0; ldr x21, [x1]; mrs x22, cntpct_el0
  const TinyGuest guest(std::vector<u32>{0xd2a86001, 0x52800600, kHlt, 0xaa0003f4, 0xf9400035, 0xd53be036} +
                        call_psci(kSystemOff));
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.engine = engine;
  const auto machine = make(config);
  CHECK(machine->run().cause == StopCause::PowerOff);
  const pe::Pe& core = *machine->cores().front();
  CHECK(core.s.x[20] == 0);
  CHECK(core.s.x[22] - core.s.x[21] < 1000);  // both are the counter
  CHECK(machine->vm()->peek(Ipa{0x43000000}).has_value());
}

TEST_CASE("a snapshot keeps open files with their positions, and closes those that are gone") {
  const TemporaryFolder folder;
  std::ofstream(folder.path + "/stays") << "0123456789";
  std::ofstream(folder.path + "/goes") << "x";
  SemihostingFiles before = files_of(folder.path);
  const auto stays = before.open("stays", 0), goes = before.open("goes", 0), keys = before.open(":tt", 0);
  REQUIRE((stays.ok() && goes.ok() && keys.ok()));
  CHECK(read(before, *stays, 4) == "0123");
  SectionWriter writer({});
  before.visit_state(writer);
  const SnapshotFile::Section section = writer.finish("semihosting");
  std::filesystem::remove(folder.path + "/goes");

  SemihostingFiles after = files_of(folder.path);
  SectionReader reader(section, {});
  after.visit_state(reader);
  CHECK(reader.wrong().empty());
  CHECK(read(after, *stays, 100) == "456789");
  CHECK_FALSE(after.find(*goes).ok());
  REQUIRE(after.find(*keys).ok());
  CHECK((*after.find(*keys))->kind == SemihostingFiles::Kind::Keys);
}
