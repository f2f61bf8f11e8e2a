// devices/virtio/p9.h - a 9P2000.L file server over one Folder.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "devices/state.h"
#include "devices/virtio/folder.h"
#include "devices/virtio/p9_spec.h"
#include "devices/virtio/p9_wire.h"

namespace farside::dev::virtio::p9 {

/// Answers messages. Owners on the host cannot be changed, and what is no file, folder or link cannot be made.
class Server {
 public:
  explicit Server(std::unique_ptr<Folder> folder) : folder_(std::move(folder)) {}
  /// The answer to `message`, at most as long as the negotiated size. Nothing when it is not even a message.
  std::vector<u8> answer(std::span<const u8> message);
  u32 message_size() const { return message_size_; }
  /// Forgets every fid.
  void reset();
  usize fids() const { return fids_.size(); }
  void visit_state(StateVisitor& visitor);

 private:
  struct Fid {
    Node node;
    Descriptor io;  ///< once opened
    int flags = 0;  ///< of the host, with which it was opened
  };
  /// What a handler of a request is given: fields of the request, and the answer to write.
  using Done = Result<void, HostErrno>;
  Done dispatch(Type type, Reader& in, Writer& out);
  Result<Fid*, HostErrno> fid(u32 number);
  Done add_fid(u32 number, Node node);

  Done version(Reader& in, Writer& out);
  Done attach(Reader& in, Writer& out);
  Done walk(Reader& in, Writer& out);
  Done open(Reader& in, Writer& out);
  Done create(Reader& in, Writer& out);
  Done read(Reader& in, Writer& out);
  Done write(Reader& in, Writer& out);
  Done read_folder(Reader& in, Writer& out);
  Done clunk(Reader& in);
  Done get_attributes(Reader& in, Writer& out);
  Done set_attributes(Reader& in);
  Done statfs(Reader& in, Writer& out);
  Done sync(Reader& in);
  Done make_folder(Reader& in, Writer& out);
  Done make_symlink(Reader& in, Writer& out);
  Done make_node(Reader& in, Writer& out);
  Done read_link(Reader& in, Writer& out);
  Done link(Reader& in);
  Done rename_at(Reader& in);
  Done unlink_at(Reader& in);
  Done lock(Reader& in, Writer& out, bool query);
  Done put_qid_of(const Node& folder, const std::string& name, Writer& out);

  std::unique_ptr<Folder> folder_;
  std::map<u32, Fid> fids_;
  u32 message_size_ = kMessageMax;
};

}  // namespace farside::dev::virtio::p9
