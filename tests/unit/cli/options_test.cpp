// tests/unit/cli/options_test.cpp - what the command line means, in farside's words and in QEMU's, and how it fails.
#include "frontends/cli/options.h"

#include <string>
#include <vector>

#include "cache/config.h"
#include "frontends/cli/terminal.h"
#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::cli;

namespace {

RunOptions run_of(const std::vector<std::string>& arguments) {
  auto parsed = parse_run(arguments);
  if (!parsed) FAIL(parsed.error().message);
  auto* options = std::get_if<RunOptions>(&*parsed);
  REQUIRE(options != nullptr);
  return *options;
}

std::string error_of(const std::vector<std::string>& arguments) {
  auto parsed = parse_run(arguments);
  return parsed ? "no error" : parsed.error().message;
}

std::string page_of(const std::vector<std::string>& arguments) {
  auto parsed = parse_run(arguments);
  if (!parsed) FAIL(parsed.error().message);
  auto* page = std::get_if<TextRequest>(&*parsed);
  REQUIRE(page != nullptr);
  return page->text;
}

}  // namespace

TEST_CASE("nothing said means the default guest on the default machine") {
  const RunOptions run = run_of({});
  CHECK(run.guest == "debian");
  CHECK(run.machine.kernel.empty());
  CHECK(run.machine.cpus == 1);
  CHECK(run.machine.memory == u64{1} << 30);
  CHECK(run.machine.el2 == machine::El2Mode::Kvm);
  CHECK(run.machine.thp == machine::ThpMode::Always);
  CHECK_FALSE(run.clock_given);
  CHECK_FALSE(run.append.has_value());
}

TEST_CASE("words about the hypervisor compose to a policy") {
  const RunOptions run = run_of({"--policy", "tvm", "--without", "P1,p3", "--icache", "eager", "--cmo-ro", "perform"});
  CHECK(run.machine.policy == "tvm");
  CHECK(run.machine.without == std::vector<std::string>{"P1", "p3"});
  CHECK(run.machine.icache == "eager");
  CHECK(run.machine.cmo_ro == "perform");
  CHECK(page_of({"--policy", "help"}).find("tvm-2014") != std::string::npos);
}

TEST_CASE("every option of a run arrives") {
  const RunOptions run = run_of({"--kernel", "K",        "--initrd",     "I",           "--dtb",
                                 "D",        "--append", "a b=c",        "--memory",    "256M",
                                 "--smp",    "4",        "--cpu",        "cortex-a53",  "--seed",
                                 "0x10",     "--el2",    "none",         "--thp",       "never",
                                 "--clock",  "virtual",  "--trace",      "kvm,exec",    "--trace-file",
                                 "T",        "--stats",  "--state-hash", "--no-reboot", "--max-insns",
                                 "1000"});
  CHECK(run.guest.empty());
  CHECK(run.machine.kernel == "K");
  CHECK(run.machine.initrd == "I");
  CHECK(run.machine.dtb == "D");
  CHECK(run.append == "a b=c");
  CHECK(run.machine.memory == u64{256} << 20);
  CHECK(run.machine.cpus == 4);
  CHECK(run.machine.cpu == "cortex-a53");
  CHECK(run.machine.seed == 16);
  CHECK(run.machine.el2 == machine::El2Mode::None);
  CHECK(run.machine.thp == machine::ThpMode::Never);
  CHECK(run.clock_given);
  CHECK(run.machine.clock == machine::ClockMode::Virtual);
  CHECK(run.trace == std::vector<TraceGroup>{TraceGroup::Kvm, TraceGroup::Exec});
  CHECK(run.trace_file == "T");
  CHECK(run.stats);
  CHECK(run.state_hash);
  CHECK(run.no_reboot);
  CHECK(run.machine.max_instructions == 1000);
}

TEST_CASE("QEMU's spellings mean the same") {
  const RunOptions run =
      run_of({"-M",         "virt",       "-cpu",    "cortex-a53", "-smp", "cpus=2",     "-m",
              "512",        "-kernel",    "Image",   "-initrd",    "r.gz", "-append",    "console=ttyAMA0 -s",
              "-nographic", "-no-reboot", "-serial", "mon:stdio",  "-d",   "int,in_asm", "-D",
              "log"});
  CHECK(run.machine.kernel == "Image");
  CHECK(run.machine.initrd == "r.gz");
  CHECK(run.append == "console=ttyAMA0 -s");
  CHECK(run.machine.memory == u64{512} << 20);
  CHECK(run.machine.cpus == 2);
  CHECK(run.no_reboot);
  CHECK(run.trace == std::vector<TraceGroup>{TraceGroup::Exc, TraceGroup::Exec});
  CHECK(run.trace_file == "log");
}

TEST_CASE("QEMU's serial ports, monitor and semihosting") {
  CHECK(run_of({"-serial", "stdio"}).machine.serial2.empty());
  CHECK(run_of({"-serial", "mon:stdio", "-serial", "file:out"}).machine.serial2 == "out");
  CHECK(run_of({"-serial", "mon:stdio", "-serial", "null"}).machine.serial2 == "null");
  CHECK(error_of({"-serial", "file:out"}).find("the terminal") != std::string::npos);
  CHECK(error_of({"-serial", "stdio", "-serial", "pty"}).find("file:FILE or null") != std::string::npos);
  CHECK(run_of({"-monitor", "none"}).monitor == MonitorPlace::None);
  CHECK(run_of({"-monitor", "stdio"}).monitor == MonitorPlace::Terminal);
  CHECK(run_of({"-monitor", "unix:m,server,nowait"}).monitor_socket == "m");
  CHECK(error_of({"-monitor", "unix:m,reconnect=1"}).find("reconnect=1") != std::string::npos);
  CHECK(error_of({"-monitor", "tcp::4444"}).find("unix:PATH") != std::string::npos);
  CHECK(run_of({"-semihosting"}).machine.semihosting);
  CHECK(run_of({"-semihosting-config", "enable=on,target=native"}).machine.semihosting);
  CHECK(error_of({"-semihosting-config", "enable=on,arg=x"}).find("--append") != std::string::npos);
  CHECK(error_of({"-virtfs", "local,path=x"}).find("--share") != std::string::npos);
}

TEST_CASE("semihosting: off, without files, or with those of a folder") {
  CHECK_FALSE(run_of({}).machine.semihosting);
  CHECK(run_of({"--semihosting"}).machine.semihosting->folder.empty());
  const RunOptions run = run_of({"--semihosting", "--semihosting-dir", "a=b,,c,ro", "--console", "semihosting"});
  CHECK(run.machine.semihosting->folder == "a=b,c");
  CHECK(run.machine.semihosting->read_only);
  CHECK(run.machine.console == machine::ConsoleDevice::Semihosting);
  CHECK_FALSE(run_of({"--semihosting", "--semihosting-dir", "d"}).machine.semihosting->read_only);
  CHECK(error_of({"--semihosting-dir", "d"}).find("add --semihosting") != std::string::npos);
  CHECK(error_of({"--console", "semihosting"}).find("add --semihosting") != std::string::npos);
  for (const char* bad : {"", ",ro", "d,rw", "d,ro,ro"})
    CHECK(error_of({"--semihosting", "--semihosting-dir", bad}).find("FOLDER,ro") != std::string::npos);
  CHECK(error_of({"--semihosting", "--engine", "lockstep"}).find("--semihosting") != std::string::npos);
}

TEST_CASE("a value may look like an option") {
  CHECK(run_of({"--append", "-s"}).append == "-s");
  CHECK(run_of({"-append", "--stats"}).append == "--stats");
  CHECK(run_of({"--append=-m"}).append == "-m");
  CHECK_FALSE(run_of({"-append", "--stats"}).stats);
}

TEST_CASE("devices, physical cores and geometries") {
  const RunOptions run =
      run_of({"--drive", "d,dma=noncoherent", "--net", "user,dma=coherent", "--share", "s,dma=noncoherent", "--dma",
              "noncoherent", "--pcpus", "3", "--migrate", "0x10", "--cache", "model", "--cache-config", "my.caches"});
  CHECK(run.machine.drives[0].dma == machine::DmaKind::NonCoherent);
  CHECK(run.machine.net->dma == machine::DmaKind::Coherent);
  CHECK(run.machine.shares[0].dma == machine::DmaKind::NonCoherent);
  CHECK(run.machine.dma == machine::DmaKind::NonCoherent);
  CHECK(run.machine.pcpus == 3);
  CHECK(run.machine.migrate_seed == 16);
  CHECK(run.machine.cache_config == "my.caches");
}

TEST_CASE("--cache-config prints a preset as a file that can be used, --knob help every knob") {
  const auto page = [](const std::vector<std::string>& arguments) { return page_of(arguments); };
  for (const cache::Config& preset : cache::presets()) {
    const auto again = cache::parse_config(page({"--cache-config", preset.name}), "page");
    REQUIRE(again.ok());
    CHECK(*again == preset);
    CHECK(page({"--cache-config", "help", "--cpu", preset.name}) == page({"--cache-config", preset.name}));
  }
  const std::string knobs = page({"--knob", "help"});
  for (const char* name : {"spec_fill=", "nc_hit=", "sw_scope=", "tlb_evict=", "bbm=", "hpfar_junk="})
    CHECK(knobs.find(name) != std::string::npos);
}

TEST_CASE("mistakes are one line that helps") {
  struct Row {
    std::vector<std::string> arguments;
    std::string part;
  };
  const Row rows[] = {
      {{"--kernal", "K"}, "did you mean --kernel?"},
      {{"-kernal", "K"}, "did you mean --kernel?"},
      {{"--mem", "1G"}, "did you mean --memory?"},
      {{"--frobnicate-everything"}, "farside run --help"},
      {{"debain"}, "did you mean debian?"},
      {{"debian", "debian-installer"}, "one guest at a time"},
      {{"debian", "--kernel", "K"}, "not both"},
      {{"--kernel"}, "kernel"},
      {{"--kernel", ""}, "needs a file name"},
      {{"--cpu", "cortex-a35"}, "unknown CPU cortex-a35"},
      {{"--smp", "9"}, "1 to 8"},
      {{"--smp", "0"}, "1 to 8"},
      {{"--smp", "two"}, "must be a number"},
      {{"--smp", "2", "--smp", "3"}, "more than once"},
      {{"--memory", "0"}, "must not be zero"},
      {{"--memory", "1M"}, "multiple of 2M"},
      {{"--memory", "lots"}, "must be a number and K, M or G"},
      {{"--memory", "99999999999999999G"}, "too large"},
      {{"--el2", "guest"}, "kvm, none"},
      {{"--policy", "k9"}, "must be one of none, dc, par"},
      {{"--policy", "fwb", "--cpu", "cortex-a53"}, "use --cpu max"},
      {{"--policy", "tvm", "--el2", "none"}, "no hypervisor"},
      {{"--without", "P9"}, "P1 to P8"},
      {{"--without", "P1,,P2"}, "P1 to P8"},
      {{"--without", ""}, "needs a value"},
      {{"--icache", "early"}, "eager or lazy"},
      {{"--cmo-ro", "2016"}, "skip, exit, inject, perform"},
      {{"--trace", "kvm,everything"}, "the groups are"},
      {{"--trace", ""}, "the groups are"},
      {{"--trace-file", "f"}, "needs --trace"},
      {{"--max-insns", "0"}, "at least 1"},
      {{"--seed", "-1"}, "must be a number"},
      {{"--seed", "99999999999999999999999"}, "must be a number"},
      {{"--engine", "tcg"}, "interp"},
      {{"-s"}, "gdb"},
      {{"-S"}, "gdb"},
      {{"-drive", "format=raw"}, "needs file=FILE"},
      {{"-drive", "file=x,if=ide"}, "if=ide"},
      {{"--drive", "x,cache=none"}, "knows ro, format=raw and dma=KIND"},
      {{"--drive", "x,format=qcow2"}, "convert -O raw"},
      {{"--drive", ",ro"}, "needs a file name"},
      {{"-hda", "x"}, "no IDE"},
      {{"--net", "tap"}, "must be none, or user"},
      {{"--net", "user,hostfwd=tcp:22"}, "tcp::2222-:22"},
      {{"--net", "user,hostfwd=tcp::0-:22"}, "tcp::2222-:22"},
      {{"--net", "user,hostfwd=tcp::99999-:22"}, "tcp::2222-:22"},
      {{"--share", "x,rw"}, "knows ro, tag=NAME and dma=KIND"},
      {{"--drive", "x,dma=fast"}, "dma is coherent or noncoherent, not 'fast'"},
      {{"--net", "user,dma="}, "dma is coherent or noncoherent"},
      {{"--share", "x,dma=no"}, "dma is coherent or noncoherent"},
      {{"--dma", "both"}, "--dma: dma is coherent or noncoherent"},
      {{"--pcpus", "0"}, "1 to 8"},
      {{"--pcpus", "9"}, "1 to 8"},
      {{"--migrate", "often"}, "must be a number"},
      {{"--cache-config", ""}, "needs a file name"},
      {{"--rng", "dice"}, "seeded, host, none"},
      {{"--console", "vga"}, "pl011, virtio"},
      {{"-M", "raspi3b"}, "only virt"},
      {{"-smp", "2,sockets=2"}, "only cpus"},
      {{"-m"}, "needs a value"},
      {{"-d", "nochain"}, "--trace"},
  };
  for (const Row& row : rows) {
    const std::string error = error_of(row.arguments);
    INFO(error);
    CHECK(error.find(row.part) != std::string::npos);
    CHECK(error.find('\n') == std::string::npos);
  }
}

TEST_CASE("help names every option, and fits 80 columns") {
  const std::string page = page_of({"--help"});
  for (const OptionInfo& option : kRunCommand.options) {
    CHECK(page.find("--" + std::string(option.name)) != std::string::npos);
  }
  for (const std::string& text : {page, help_page(kGuestCommand), overview_page()}) {
    for (usize at = 0; at < text.size();) {
      const usize end = text.find('\n', at);
      INFO(text.substr(at, end - at));
      CHECK(end - at <= 80);
      at = end + 1;
    }
  }
}

TEST_CASE("help on CPUs and eras lists what can be chosen") {
  CHECK(page_of({"--cpu", "help"}).find("cortex-a53") != std::string::npos);
  CHECK(page_of({"--policy", "help"}).find("k6.1") != std::string::npos);
}

TEST_CASE("caches: a profile, knobs on top of it, and findings that fail the run") {
  CHECK(run_of({}).machine.cache == "off");
  const RunOptions run = run_of(
      {"--cache", "model", "--knob", "evict=lazy", "--knob", "nc_hit=lookup", "--fail-on", "STALE_RAM,LOST_WRITE"});
  CHECK(run.machine.cache == "model");
  CHECK(run.machine.knobs == std::vector<std::string>{"evict=lazy", "nc_hit=lookup"});
  CHECK(run.fail_on == std::vector<std::string>{"STALE_RAM", "LOST_WRITE"});
  CHECK(run_of({"--cache", "model", "--fail-on", "all"}).fail_on.size() == 6);
  CHECK(page_of({"--knob", "help"}).find("nc_hit=bypass|lookup") != std::string::npos);
  CHECK(error_of({"--cache", "fast"}).find("adversarial") != std::string::npos);
  CHECK(error_of({"--cache", "model", "--fail-on", "STALE"}).find("STALE_RAM") != std::string::npos);
  CHECK(error_of({"--fail-on", "all"}).find("--cache") != std::string::npos);
  const RunOptions known =
      run_of({"--cache", "model", "--stop-on", "STALE_WALK", "--allow", "STALE_ICACHE@__set_fixmap", "--allow",
              "MISMATCH@memcpy", "--report", "f.json", "--symbols", "System.map"});
  CHECK(known.stop_on == std::vector<std::string>{"STALE_WALK"});
  CHECK(known.allow == std::vector<std::string>{"STALE_ICACHE@__set_fixmap", "MISMATCH@memcpy"});
  CHECK(known.report == "f.json");
  CHECK(known.symbols == "System.map");
  for (const char* allow : {"STALE_RAM", "STALE_RAM@", "@memcpy", "STALE@memcpy"})
    CHECK(error_of({"--cache", "model", "--allow", allow}).find("STALE_ICACHE@__set_fixmap") != std::string::npos);
  CHECK(error_of({"--stop-on", "all"}).find("--cache") != std::string::npos);
  CHECK(error_of({"--report", "f.json"}).find("--cache") != std::string::npos);
  CHECK(error_of({"--cache", "model", "--report", ""}).find("file name") != std::string::npos);
}

TEST_CASE("sizes") {
  CHECK(*parse_size("1G") == u64{1} << 30);
  CHECK(*parse_size("1GiB") == u64{1} << 30);
  CHECK(*parse_size("64k") == u64{64} << 10);
  CHECK(*parse_size("128") == u64{128} << 20);
  for (const char* bad : {"", "G", "1T", "1.5G", "-1", "0x10", "1 G", "1GG"}) CHECK_FALSE(parse_size(bad));
}

TEST_CASE("the guest command") {
  auto listed = parse_guest({"list"});
  REQUIRE(listed);
  CHECK(std::get<GuestOptions>(*listed).action == GuestOptions::Action::List);
  auto got = parse_guest({"get", "debian", "--force"});
  REQUIRE(got);
  CHECK(std::get<GuestOptions>(*got).name == "debian");
  CHECK(std::get<GuestOptions>(*got).force);
  CHECK_FALSE(parse_guest({}));
  CHECK_FALSE(parse_guest({"get"}));
  CHECK_FALSE(parse_guest({"drop", "debian"}));
  CHECK_FALSE(parse_guest({"list", "--frce"}));
}

TEST_CASE("nearest finds typing errors and leaves strangers alone") {
  static constexpr std::string_view kNames[] = {"kernel", "memory", "seed"};
  CHECK(nearest("kernal", kNames) == "kernel");
  CHECK(nearest("mem", kNames) == "memory");
  CHECK(nearest("sede", kNames) == "seed");
  CHECK(nearest("photosynthesis", kNames).empty());
}

TEST_CASE("Ctrl-A starts a command, anything else reaches the guest") {
  EscapeParser parser;
  CHECK(parser.feed('x').byte == 'x');
  CHECK(parser.feed(3).byte == 3);  // Ctrl-C is the guest's
  CHECK_FALSE(parser.feed(1).byte);
  CHECK(parser.feed('x').command == ConsoleCommand::Quit);
  CHECK_FALSE(parser.feed(1).byte);
  CHECK(parser.feed('c').command == ConsoleCommand::Monitor);
  CHECK_FALSE(parser.feed(1).byte);
  CHECK(parser.feed('h').command == ConsoleCommand::Help);
  CHECK_FALSE(parser.feed(1).byte);
  CHECK(parser.feed(1).byte == 1);
  CHECK_FALSE(parser.feed(1).byte);
  CHECK(parser.feed('z').byte == 'z');
  CHECK(parser.feed('x').byte == 'x');
}
