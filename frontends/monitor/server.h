// frontends/monitor/server.h - a Unix socket at which one client at a time types monitor commands.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace farside::monitor {

/// Listens until it is destroyed, which removes the socket. A client that leaves makes room for the next; others wait.
class Server {
 public:
  /// Fails with one line when something else is at `path`. A socket that nobody listens to any more is replaced.
  static Result<std::unique_ptr<Server>, UserError> listen(const std::string& path);
  ~Server();
  Server(const Server&) = delete;

  /// Takes a client and what it has typed; waits up to `timeout_ms` for either.
  void poll(int timeout_ms);
  /// The next whole line, without its end.
  std::optional<std::string> next_line();
  bool has_line() const { return !lines_.empty(); }
  /// Sends text to the client, if there is one. A client that does not read is dropped.
  void write(std::string_view text);

 private:
  Server(int listener, std::string path) : listener_(listener), path_(std::move(path)) {}
  void accept_client();
  void read_client();
  void drop_client();

  int listener_, client_ = -1;
  std::string path_, partial_;
  std::deque<std::string> lines_;
};

}  // namespace farside::monitor
