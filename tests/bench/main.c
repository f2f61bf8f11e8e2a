// tests/bench/main.c - runs the kernels one after the other; as the first process of a guest it powers off at the end.
//
// The clock of a guest may be virtual, so nothing is timed here: whoever reads the output times the lines.
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
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
    ++names;
  }
  return names == 0;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("READY\n");
  for (unsigned i = 0; i < sizeof kKernels / sizeof *kKernels; ++i) {
    if (!wanted(kKernels[i].name, argc, argv)) continue;
    printf("START %s\n", kKernels[i].name);
    printf("BENCH %s %016llx\n", kKernels[i].name, (unsigned long long)kKernels[i].run());
  }
  printf("DONE\n");
  if (getpid() != 1) return 0;
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
