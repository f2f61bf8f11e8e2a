// tests/bench/main.c - runs the kernels one after the other; as the first process of a guest it powers off at the end.
//
// The clock of a guest may be virtual, so nothing is timed here: whoever reads the output times the lines.
// copies=N runs each kernel in N processes at once, and repeat=N the whole list N times.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static const struct {
  const char* name;
  uint64_t (*run)(void);
} kKernels[] = {
    {"list", bench_list},     {"matrix", bench_matrix}, {"state", bench_state},   {"crc", bench_crc},
    {"mix", bench_mix},       {"scalar", bench_scalar}, {"daxpy", bench_daxpy},   {"matmul", bench_matmul},
    {"nbody", bench_nbody},   {"u8add", bench_u8add},   {"memcpy", bench_memcpy}, {"memset", bench_memset},
    {"sha256", bench_sha256}, {"aes", bench_aes},       {"crc32c", bench_crc32c},
};

/// True if `name` is asked for: no names ask for all.
static int wanted(const char* name, int argc, char** argv) {
  int names = 0;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], name) == 0) return 1;
    names += strchr(argv[i], '=') == NULL;
  }
  return names == 0;
}

/// The number N of an argument "name=N", or 1.
static int number(const char* name, int argc, char** argv) {
  const size_t length = strlen(name);
  for (int i = 1; i < argc; ++i) {
    if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') return atoi(argv[i] + length + 1);
  }
  return 1;
}

/// Runs a kernel in `copies` processes at once; the checksum that they agree on, or 0.
static uint64_t run_copies(uint64_t (*kernel)(void), int copies) {
  if (copies == 1) return kernel();
  uint64_t* const sums = mmap(NULL, copies * sizeof *sums, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (sums == MAP_FAILED) return 0;
  for (int i = 0; i < copies; ++i) {
    if (fork() != 0) continue;
    sums[i] = kernel();
    _exit(0);
  }
  while (wait(NULL) > 0) continue;
  uint64_t sum = sums[0];
  for (int i = 1; i < copies; ++i) sum = sums[i] == sum ? sum : 0;
  munmap(sums, copies * sizeof *sums);
  return sum;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const int copies = number("copies", argc, argv);
  printf("READY\n");
  for (int round = number("repeat", argc, argv); round > 0; --round) {
    for (unsigned i = 0; i < sizeof kKernels / sizeof *kKernels; ++i) {
      if (!wanted(kKernels[i].name, argc, argv)) continue;
      printf("START %s\n", kKernels[i].name);
      printf("BENCH %s %016llx\n", kKernels[i].name, (unsigned long long)run_copies(kKernels[i].run, copies));
    }
  }
  printf("DONE\n");
  if (getpid() != 1) return 0;
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
