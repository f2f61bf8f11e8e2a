// frontends/guests/init_script.cpp - the first program of the default guest.
#include "frontends/guests/init_script.h"

namespace farside::guests {

const char* const kInitScript = R"sh(#!/bin/busybox sh
# The first program of farside's default guest.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=linux PS1='farside:\w# '
hostname farside
cd /root

echo "farside: guest is up ($(uname -s) $(uname -r) $(uname -m), $(nproc) cpus)"

# farside.run=COMMAND or farside.run="COMMAND with spaces" on the kernel command line.
read -r line </proc/cmdline
case "$line" in
  *\"farside.run=*) command=${line#*\"farside.run=}; command=${command%%\"*} ;;
  *farside.run=\"*) command=${line#*farside.run=\"}; command=${command%%\"*} ;;
  *farside.run=*) command=${line#*farside.run=}; command=${command%% *} ;;
  *) command= ;;
esac

if [ -n "$command" ]; then
  sh -c "$command"
  echo "farside: the command ended with status $?"
else
  echo "farside: type 'exit' or 'poweroff -f' to switch the machine off, Ctrl-A x to pull the plug"
  setsid cttyhack sh
fi
poweroff -f
)sh";

}  // namespace farside::guests
