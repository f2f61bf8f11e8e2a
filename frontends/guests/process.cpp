// frontends/guests/process.cpp - runs another program and waits for it.
#include "frontends/guests/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "core/base/types.h"

namespace farside::guests {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) read_end = ends[0], write_end = ends[1];
  }
  ~Pipe() { close_read(), close_write(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() { close_end(read_end); }
  void close_write() { close_end(write_end); }
  bool good() const { return read_end >= 0; }

 private:
  static void close_end(int& end) {
    if (end >= 0) close(std::exchange(end, -1));
  }
};

// In the child: only calls that are safe between fork and exec.
[[noreturn]] void become(char* const* arguments, const char* folder, int output, int status) {
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  // `output` may itself be the status descriptor's number, so move it out of the way first.
  const int output_copy = fcntl(output, F_DUPFD, kStatusDescriptor + 1);
  dup2(status, kStatusDescriptor);
  if (status == kStatusDescriptor) fcntl(kStatusDescriptor, F_SETFD, 0);
  dup2(output_copy, STDOUT_FILENO);
  dup2(output_copy, STDERR_FILENO);
  close(output_copy);
  if (folder[0] == '\0' || chdir(folder) == 0) execvp(arguments[0], arguments);
  _exit(127);
}

// Appends what is readable; false at the end of the stream.
bool drain(int descriptor, std::string& into) {
  std::array<char, 4096> buffer;
  const ssize_t count = read(descriptor, buffer.data(), buffer.size());
  if (count > 0) into.append(buffer.data(), static_cast<usize>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

void deliver_lines(std::string& pending, const std::function<void(std::string_view)>& listener) {
  for (usize end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
    if (listener) listener(std::string_view(pending).substr(0, end));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

CommandResult run_command(const Command& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  Pipe output, status;
  if (!output.good() || !status.good()) return {127, "no pipe"};
  const pid_t child = fork();
  if (child < 0) return {127, "no process"};
  if (child == 0) become(arguments.data(), command.folder.c_str(), output.write_end, status.write_end);
  output.close_write(), status.close_write();

  CommandResult result;
  std::string pending;
  std::array<pollfd, 2> sources{{{output.read_end, POLLIN, 0}, {status.read_end, POLLIN, 0}}};
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    if (poll(sources.data(), sources.size(), -1) < 0) continue;
    if (sources[0].revents != 0 && !drain(sources[0].fd, result.output)) sources[0].fd = -1;
    if (sources[1].revents != 0 && !drain(sources[1].fd, pending)) sources[1].fd = -1;
    deliver_lines(pending, command.on_status_line);
  }
  result.status = wait_for(child);
  return result;
}

}  // namespace farside::guests
