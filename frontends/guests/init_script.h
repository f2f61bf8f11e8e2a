// frontends/guests/init_script.h - the first program of the default guest.
#pragma once

namespace farside::guests {

/// The text of /init: mounts the kernel's file systems, greets, then either runs the command that the kernel command
/// line gives as farside.run="COMMAND" or starts an interactive shell; powers off when that ends.
extern const char* const kInitScript;

}  // namespace farside::guests
