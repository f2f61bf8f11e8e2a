// frontends/cli/option_table.cpp - the tables of options, and the help text that is made from them.
#include "frontends/cli/option_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/types.h"
#include "frontends/cli/compare_options.h"
#include "frontends/cli/scenario_options.h"

namespace farside::cli {
namespace {

constexpr std::string_view kBoot = "What to boot", kMachine = "The machine", kDevices = "Devices",
                           kHypervisor = "The hypervisor", kCaches = "Caches", kTime = "Time and chance",
                           kState = "Snapshots and the monitor", kEnd = "When the run ends", kSeeing = "Seeing it",
                           kGeneral = "General";

constexpr OptionInfo kRunOptions[] = {
    {kBoot, "kernel", "FILE", "", "An arm64 Linux Image (also gzip'd) or an AArch64 ELF file."},
    {kBoot, "initrd", "FILE", "", "An initial file system for the kernel."},
    {kBoot, "append", "TEXT", "",
     "The kernel command line. With a guest's name, TEXT is added to the command line that the guest has already."},
    {kBoot, "dtb", "FILE", "the machine's own", "A device tree to use instead of the one that farside makes."},
    {kBoot, "bios", "FILE", "",
     "Firmware for flash bank 0, where the cores then start. It finds --kernel, --initrd and --append by itself."},
    {kBoot, "pflash", "FILE", "", "Flash bank 1, where firmware keeps its variables: made if missing, kept."},

    {kMachine, "memory", "SIZE", "1G",
     "Guest memory: a number and K, M or G, a multiple of 2M. A plain number counts MiB."},
    {kMachine, "smp", "N", "1", "Cores, 1 to 8. They run in turns, in an order that the seed decides."},
    {kMachine, "gic", "VERSION", "3", "The interrupt controller: 2 or 3."},
    {kMachine, "serial2", "FILE", "",
     "A second PL011, ttyAMA1: what the guest sends goes to FILE, which is emptied first; null throws it away."},
    {kMachine, "cpu", "NAME", "max", "The CPU model; 'help' lists them."},

    {kDevices, "drive", "FILE[,ro]", "",
     "A raw disk image as a virtio block device; several make vda, vdb and so on. ro: the guest cannot write. A comma "
     "in a name is written twice.",
     true},
    {kDevices, "net", "user[,hostfwd=RULE]", "none",
     "A virtio network card on a network in user space: 10.0.2.0/24 with DHCP, DNS and NAT; the host is 10.0.2.2. "
     "hostfwd=tcp::2222-:22 leads port 2222 of the host to port 22 of the guest, on the loopback interface unless an "
     "address comes first. Time is then the host's unless --clock says otherwise."},
    {kDevices, "share", "FOLDER[,ro]", "",
     "A folder of the host that the guest can mount: mount -t 9p -o trans=virtio share /mnt. tag=NAME gives another "
     "name than share. No path leads out of the folder.",
     true},
    {kDevices, "dma", "KIND", "coherent",
     "How virtio devices reach memory. coherent: they see the caches. noncoherent: they see memory alone, the device "
     "tree says so, and the guest has to clean and invalidate. drive, net and share take ,dma=KIND each."},
    {kDevices, "balloon", "", "", "A virtio memory balloon: the guest can give memory back to the host."},
    {kDevices, "rng", "SOURCE", "seeded",
     "Where the virtio entropy device gets its bytes. seeded: from --seed, so that runs repeat. host: real entropy. "
     "none: there is no such device."},
    {kDevices, "console", "DEVICE", "pl011",
     "Which console of the guest the keys go to: pl011 (ttyAMA0), virtio (hvc0) or semihosting. The output of all is "
     "shown."},
    {kDevices, "semihosting", "", "",
     "Answer HLT #0xF000 as Arm's semihosting specification says; the guest's SYS_EXIT gives the exit status."},
    {kDevices, "semihosting-dir", "FOLDER[,ro]", "no files",
     "Where the guest's semihosting calls find files. No path leads out of the folder."},

    {kHypervisor, "el2", "MODE", "kvm",
     "kvm: farside's hosted hypervisor runs the guest at EL1 and handles every stage-2 fault. none: the guest runs "
     "without stage 2."},
    {kHypervisor, "policy", "NAME", "k6.1",
     "What the hypervisor does about the guest's caches: none, dc, par, tvm-2014, setway, tvm or fwb; or an era, whose "
     "rules it follows in everything: v7-2012, v8-2014, k6.1 or k6.2. 'help' explains them."},
    {kHypervisor, "without", "PIECE[,PIECE]", "",
     "Leave pieces out of the policy: P1 to P8, which --policy help lists. P1 is the clean before a page is mapped."},
    {kHypervisor, "icache", "WHEN", "the policy's own; lazy with most",
     "lazy: memory is mapped execute-never, and the I-cache invalidated when the guest first fetches from it. eager: "
     "all memory is mapped executable, and invalidated then."},
    {kHypervisor, "cmo-ro", "RULE", "the policy's own; exit with k6.1",
     "Cache operations on read-only memory slots. skip: not executed. exit: a device access without syndrome, except "
     "on pages that are mapped. inject: executed, but DC IVAC gets a data abort. perform: executed, DC IVAC as DC "
     "CIVAC."},
    {kHypervisor, "pcpus", "N", "one for each vCPU",
     "Physical cores, 1 to 8: each has its own first-level caches and TLB. vCPU i runs on core i mod N."},
    {kHypervisor, "migrate", "SEED", "",
     "Move the vCPUs between the physical cores, at moments that SEED decides. See docs/caches.md."},
    {kHypervisor, "thp", "WHEN", "always",
     "Whether the modelled host backs guest memory with huge pages: always or never."},

    {kCaches, "cache", "PROFILE", "off",
     "off: accesses go to memory. coherent, model and adversarial: the CPU's caches hold data; model is plausible "
     "silicon, adversarial picks among the legal choices the one that shows. What software gets wrong is reported as "
     "it happens."},
    {kCaches, "code", "MODE", "coherent",
     "What instruction fetches see of memory that has been written, with --cache off. coherent: the new instructions, "
     "at once. arch: those that were there at the first fetch, until IC IVAU, IC IALLU or IC IALLUIS, as if an "
     "instruction cache never forgot anything."},
    {kCaches, "cache-config", "FILE", "the CPU's own",
     "Sizes, ways and kinds of the caches. 'help' prints those of --cpu as such a file; the name of another CPU prints "
     "its."},
    {kCaches, "knob", "NAME=VALUE", "", "One choice of the silicon, on top of the profile; --knob help lists them.",
     true},
    {kCaches, "fail-on", "CLASS[,CLASS]", "",
     "Exit status 4 if the caches' sanitizer has found one of these: STALE_RAM and so on, or all for the six that are "
     "errors."},
    {kCaches, "stop-on", "CLASS[,CLASS]", "", "End the run at the first finding of one of these, with exit status 4."},
    {kCaches, "allow", "CLASS@FUNCTION", "",
     "Findings of this class by an access in this function of the kernel are known: they are counted, but neither "
     "printed nor a failure.",
     true},
    {kCaches, "report", "FILE", "", "Write the findings as JSON, at the end; docs/caches.md describes it."},

    {kTime, "seed", "N", "0",
     "Decides everything that is left to chance. Equal seeds give equal runs, to the bit, as long as the clock is "
     "virtual and nobody types."},
    {kTime, "clock", "MODE", "virtual; wall with --net",
     "virtual: time is the number of instructions; idle time is skipped, or waited out when a terminal is attached. "
     "wall: time is the host's."},

    {kState, "restore", "FILE", "",
     "Begin in the state of a snapshot instead of booting. The other options must be those with which it was taken."},
    {kState, "snapshot-at", "N[:FILE]", "FILE is farside.snap in --snapshot-dir",
     "Take a snapshot after about N instructions, all cores together, and go on."},
    {kState, "snapshot-dir", "FOLDER", "the current folder", "Where savevm and loadvm of the monitor keep NAME.snap."},
    {kState, "monitor", "PLACE", "behind Ctrl-A c",
     "Where else monitor commands are read while the machine runs. stdio: here, and the guest gets no keys. unix:PATH: "
     "at a Unix socket, from one client at a time."},

    {kEnd, "no-reboot", "", "", "End the run when the guest resets or panics, instead of starting it again."},
    {kEnd, "max-insns", "N", "no limit",
     "End the run after about N instructions, all cores together: at the end of the turn in which they are reached."},

    {kSeeing, "trace", "LIST", "",
     "Print events of these groups, separated by commas: kvm (the kernel's tracepoints), exec (each instruction), exc "
     "(exceptions), mmu, tlb, dev, or all."},
    {kSeeing, "trace-file", "FILE", "standard error", "Where the trace goes."},
    {kSeeing, "symbols", "FILE", "the kernel's own",
     "Names for addresses in reports, in the trace of instructions and in the monitor: a System.map, a vmlinux or "
     "another kernel. Without this option, what the kernel itself carries (kallsyms, an ELF symbol table)."},
    {kSeeing, "stats", "", "", "At the end, print instructions, speed, stage-2 faults by kind, exits and TLB figures."},
    {kSeeing, "jit-stats", "", "", "At the end, print what the translating engine has done; see docs/jit.md."},
    {kSeeing, "perf-map", "", "", "Name translated code for perf, in /tmp/perf-PID.map."},
    {kSeeing, "state-hash", "", "", "At the end, print a hash of all registers and all memory."},

    {kGeneral, "engine", "NAME", "jit",
     "What executes instructions: interp, or jit, which translates them; the run is the same. lockstep: both at once, "
     "compared, down to the first instruction that differs."},
    {kGeneral, "lockstep-every", "N", "100000",
     "Compare after N instructions, at the end of the turn in which they are reached."},
    {kGeneral, "jit-threshold", "N", "8", "Translate a block of instructions after it has been interpreted N times."},
    {kGeneral, "help", "", "", "Print this page."},
};

constexpr OptionInfo kGuestOptions[] = {
    {kGeneral, "force", "", "", "Fetch the guest even if a sound copy is in the cache."},
    {kGeneral, "help", "", "", "Print this page."},
};

constexpr std::string_view kRunAfter = R"(QEMU's spellings
  -kernel -initrd -append -dtb -bios -pflash -drive -m -smp -cpu -no-reboot
  -seed -d -D -monitor -semihosting mean what they mean there.
  -M virt,gic-version=2 is --gic 2, and a second -serial file:FILE is --serial2
  FILE. -nographic, -M virt, the first -serial stdio or mon:stdio, -display none
  and -accel tcg are accepted and change nothing.

Keys, on a terminal
  Ctrl-A x        pull the plug
  Ctrl-A c        go to the monitor and back
  Ctrl-A h        show these keys
  Ctrl-A Ctrl-A   send Ctrl-A to the guest

Exit status
  0    the guest switched the machine off
  1    the run could not go on: every core waits and nothing can wake one, or
       the hypervisor gave up on the guest
  2    a mistake on the command line or in a file that it names; nothing was run
  3    the guest reset or panicked under --no-reboot
  4    the caches' sanitizer found what --fail-on or --stop-on names
  5    the limit of --max-insns was reached
  6    --engine lockstep has found a difference
  any  what the guest asks for by semihosting's SYS_EXIT
  130  Ctrl-A x

Examples
  farside run
  farside run debian --smp 4 --append 'farside.run="uname -a"' --stats
  farside run --kernel Image --initrd rootfs.gz --append "console=ttyAMA0"
  farside run --trace kvm --trace-file kvm.txt
  farside run --cache adversarial --seed 3 --fail-on all --report findings.json
)";

constexpr std::string_view kGuestAfter = R"(Where they are
  In $XDG_CACHE_HOME/farside, or ~/.cache/farside. A guest is fetched once, from
  Debian's package archive through apt; after that no network is needed.

Exit status
  0    done
  2    a mistake on the command line, or the guest could not be fetched

Examples
  farside guest list
  farside guest get debian
)";

constexpr usize kWidth = 80;

// Appends `text` as lines of at most kWidth columns, each starting with `indent` blanks.
void append_wrapped(std::string& out, std::string_view text, usize indent) {
  usize column = 0;
  while (!text.empty()) {
    const usize end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column != 0 && column + 1 + word.size() > kWidth) {
      out += '\n';
      column = 0;
    }
    if (column == 0) {
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

void append_option(std::string& out, const OptionInfo& option) {
  constexpr usize kTextColumn = 20;
  std::string left = fmt::format("  --{}{}{}", option.name, option.argument.empty() ? "" : " ", option.argument);
  std::string text(option.text);
  if (!option.fallback.empty()) text += fmt::format(" Default: {}.", option.fallback);
  std::string wrapped;
  append_wrapped(wrapped, text, kTextColumn);
  if (left.size() + 1 < kTextColumn) {
    wrapped.replace(0, left.size(), left);
    out += wrapped;
  } else {
    out += left + "\n" + wrapped;
  }
}

usize edit_distance(std::string_view a, std::string_view b) {
  std::vector<usize> row(b.size() + 1);
  std::iota(row.begin(), row.end(), usize{0});
  for (usize i = 1; i <= a.size(); ++i) {
    usize diagonal = std::exchange(row[0], i);
    for (usize j = 1; j <= b.size(); ++j) {
      const usize replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

}  // namespace

const CommandInfo kRunCommand{
    "run",
    "boot a guest and connect its serial console to this terminal",
    "farside run [GUEST] [OPTION...]\nfarside run --kernel FILE [OPTION...]",
    "Boots a machine with QEMU's \"virt\" memory map. Without a guest's name and without --kernel, the guest is "
    "\"debian\"; 'farside guest list' names the others.",
    kRunOptions,
    kRunAfter,
};

const CommandInfo kGuestCommand{
    "guest",
    "list the guests that farside can fetch, or fetch one",
    "farside guest list\nfarside guest get NAME [--force]",
    "Guests are made from Debian's own packages, unmodified.",
    kGuestOptions,
    kGuestAfter,
};

std::string help_page(const CommandInfo& command) {
  std::string out = fmt::format("farside {} - {}\n\nUsage\n", command.name, command.summary);
  for (std::string_view rest = command.usage; !rest.empty();) {
    const usize end = std::min(rest.find('\n'), rest.size());
    out += fmt::format("  {}\n", rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out += '\n';
  append_wrapped(out, command.intro, 0);
  std::string_view group;
  for (const OptionInfo& option : command.options) {
    if (option.group != group) out += fmt::format("\n{}\n", group = option.group);
    append_option(out, option);
  }
  out += '\n';
  out += command.after;
  return out;
}

std::string overview_page() {
  return fmt::format(R"(farside - an Arm machine whose far side you can see

Usage
  farside COMMAND [ARGUMENT...]

Commands
  run      {}
  compare  {}
  guest    {}
  scenario {}
  museum   {}
  version  print the version
  help     print this page, or 'help COMMAND' the command's own

The launcher ./farside in the source tree knows two more
  build    install what is missing and build
  test     the same, then run every test

'farside COMMAND --help' says all about one command.
)",
                     kRunCommand.summary, kCompareCommand.summary, kGuestCommand.summary, kScenarioCommand.summary,
                     kMuseumCommand.summary);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  usize best_distance = std::max<usize>(2, word.size() / 2) + 1;
  for (std::string_view candidate : candidates) {
    usize distance = edit_distance(word, candidate);
    // A prefix that someone expects to be enough is nearer than its missing letters suggest.
    if (word.size() >= 2 && candidate.starts_with(word)) distance = 1;
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

}  // namespace farside::cli
