// frontends/monitor/server.cpp - accepts one client after another and cuts what they type into lines.
#include "frontends/monitor/server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "frontends/monitor/monitor.h"

namespace farside::monitor {
namespace {

/// No command is longer; what has no line end by then is dropped.
constexpr usize kLongestLine = 4096;
constexpr int kPatienceMs = 1000;

Result<sockaddr_un, UserError> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return UserError{
        fmt::format("--monitor unix:{}: the path must have 1 to {} bytes", path, sizeof address.sun_path - 1)};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// Whether a socket is at `path` to which nobody listens.
bool is_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool refused =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

}  // namespace

Result<std::unique_ptr<Server>, UserError> Server::listen(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto bound = [&] { return bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0; };
  bool done = bound();
  if (!done && errno == EADDRINUSE && is_stale(path, address)) {
    unlink(path.c_str());
    done = bound();
  }
  if (!done || ::listen(listener, 1) != 0) {
    const int error = errno;
    close(listener);
    return UserError{fmt::format("--monitor unix:{}: {}", path,
                                 error == EADDRINUSE ? "is in use; name another path" : std::strerror(error))};
  }
  return std::unique_ptr<Server>(new Server(listener, path));
}

Server::~Server() {
  drop_client();
  close(listener_);
  unlink(path_.c_str());
}

void Server::poll(int timeout_ms) {
  pollfd source{client_ >= 0 ? client_ : listener_, POLLIN, 0};
  if (::poll(&source, 1, timeout_ms) <= 0) return;
  client_ >= 0 ? read_client() : accept_client();
}

void Server::accept_client() {
  client_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client_ >= 0) write(Monitor::kPrompt);
}

void Server::read_client() {
  std::array<char, 1024> buffer;
  const ssize_t count = recv(client_, buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) return drop_client();
  for (char c : std::string_view(buffer.data(), static_cast<usize>(count))) {
    if (c == '\n') {
      if (partial_.ends_with('\r')) partial_.pop_back();
      lines_.push_back(std::exchange(partial_, {}));
    } else if (partial_.size() < kLongestLine) {
      partial_ += c;
    }
  }
}

void Server::drop_client() {
  if (client_ >= 0) close(client_);
  client_ = -1;
  partial_.clear();
}

std::optional<std::string> Server::next_line() {
  if (lines_.empty()) return std::nullopt;
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

void Server::write(std::string_view text) {
  while (client_ >= 0 && !text.empty()) {
    const ssize_t count = send(client_, text.data(), text.size(), MSG_NOSIGNAL);
    if (count > 0) {
      text.remove_prefix(static_cast<usize>(count));
      continue;
    }
    pollfd sink{client_, POLLOUT, 0};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && ::poll(&sink, 1, kPatienceMs) > 0) continue;
    drop_client();
  }
}

}  // namespace farside::monitor
