// frontends/guests/debian.h - fetches packages of a foreign architecture from Debian's archive and unpacks them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "frontends/guests/process.h"
#include "frontends/guests/progress.h"

namespace farside::guests {

/// Debian's archive as this machine's apt sources describe it, read for another architecture. Needs no privilege and
/// changes nothing outside its work folder; apt checks every package against the signed index.
class DebianArchive {
 public:
  /// `work_folder` must exist and be empty; `architecture` is Debian's name, for example "arm64".
  DebianArchive(std::string work_folder, std::string architecture, Progress& progress);

  /// Reads the package index. Fails when there is no apt or no network.
  Result<void, UserError> update();
  /// Downloads `package` and unpacks its files into `folder`, which is created.
  Result<void, UserError> unpack(std::string_view package, const std::string& folder);

 private:
  CommandResult apt(std::vector<std::string> action, const std::string& folder);

  std::string work_folder_;
  std::string architecture_;
  Progress& progress_;
};

/// The percentage of one line of apt's status descriptor ("dlstatus:1:45.3:Retrieving ..."), or -1.
int percent_of_status_line(std::string_view line);

}  // namespace farside::guests
