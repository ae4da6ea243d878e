// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>

#include "multilink/adapters/lease_files.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

enum class Client : std::uint8_t { dhclient, networkd, networkmanager };

struct Folder {
  std::string_view path;
  Client client;
};

constexpr std::array kFolders{Folder{"/var/lib/dhcp", Client::dhclient},
                              Folder{"/var/lib/dhclient", Client::dhclient},
                              Folder{"/run/systemd/netif/leases", Client::networkd},
                              Folder{"/run/NetworkManager/devices", Client::networkmanager}};

/// dhcpd keeps its files, which change with every client of the LAN, beside those of dhclient.
bool is_lease_file(Client client, std::string_view name) {
  if (client != Client::dhclient) return parse_number<unsigned>(name).value_or(0) != 0;
  return name.starts_with("dhclient") && (name.ends_with(".leases") || name.ends_with(".lease"));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct FoundFile {
  std::string path;
  std::string name;
  timespec changed{};
};

/// The lease files of a folder, the one changed last at the end.
std::vector<FoundFile> files_of(const std::string& folder, Client client) {
  std::vector<FoundFile> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open) return out;
  constexpr std::size_t kMostEntries = 4096;
  for (std::size_t i = 0; i < kMostEntries; ++i) {
    const dirent* const entry = readdir(open.get());
    if (entry == nullptr) break;
    FoundFile file{cat(folder, '/', entry->d_name), entry->d_name};
    struct stat status {};
    if (!is_lease_file(client, file.name) || stat(file.path.c_str(), &status) != 0) continue;
    file.changed = status.st_mtim;
    out.push_back(std::move(file));
  }
  std::sort(out.begin(), out.end(), [](const FoundFile& a, const FoundFile& b) {
    return std::tie(a.changed.tv_sec, a.changed.tv_nsec, a.name) <
           std::tie(b.changed.tv_sec, b.changed.tv_nsec, b.name);
  });
  if (out.size() > LeaseFiles::kMostFiles) out.erase(out.begin(), out.end() - LeaseFiles::kMostFiles);
  return out;
}

/// The end of an ordinary file; of one that is cut from the first whole line on. Empty where it cannot be read.
std::string end_of(const std::string& path, std::size_t most) {
  // Nobody's pipe may hold the daemon up.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto size = static_cast<std::size_t>(status.st_size);
  const std::size_t skipped = size > most ? size - most : 0;
  std::string text(std::min(size, most), '\0');
  const ssize_t got = pread(file.get(), text.data(), text.size(), static_cast<off_t>(skipped));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (skipped > 0) text.erase(0, std::min(text.find('\n'), text.size()));
  return text;
}

void append_leases(const FoundFile& file, Client client, std::vector<DhcpLease>& out) {
  const auto text = end_of(file.path, LeaseFiles::kLargest);
  if (client == Client::dhclient) {
    std::ranges::move(parse_dhclient_leases(text), std::back_inserter(out));
    return;
  }
  const auto index = parse_number<unsigned>(file.name).value_or(0);
  auto lease = client == Client::networkd ? parse_networkd_lease(text, index)
                                          : parse_networkmanager_device(text, index);
  if (lease) out.push_back(*std::move(lease));
}

}  // namespace

struct LeaseFiles::Impl : std::enable_shared_from_this<Impl> {
  Impl(EventLoop& loop, Log& log_to, std::string before)
      : log(log_to), root(std::move(before)), descriptor(loop.context()) {}

  std::vector<DhcpLease> read_all() const {
    std::vector<DhcpLease> out;
    for (const auto& folder : kFolders) {
      for (const auto& file : files_of(cat(root, folder.path), folder.client)) {
        append_leases(file, folder.client, out);
      }
    }
    return out;
  }

  void start(std::function<void()> call) {
    assert(!on_change);
    on_change = std::move(call);
    const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
      return log.warning(cat("changes of DHCP leases are not noticed at once: inotify: ",
                             std::strerror(errno), "; raise the sysctl fs.inotify.max_user_instances"));
    }
    descriptor.assign(fd);
    for (const auto& folder : kFolders) watch_folder(folder);
    wait();
  }

  /// Watches the folder or, while it is not there, the nearest one above it that is. What is made while this looks
  /// is either seen or told of: it looks again one step further down after each watch.
  void watch_folder(const Folder& folder) {
    const std::string wanted = cat(root, folder.path);
    constexpr int kMostTries = 32;  // somebody makes and removes folders while this looks
    std::size_t length = wanted.size();
    for (int tries = 0; length > 0 && tries < kMostTries; ++tries) {
      const std::string path = wanted.substr(0, length);
      const bool is_it = length == wanted.size();
      const std::uint32_t events = is_it ? IN_MODIFY | IN_CLOSE_WRITE | IN_MOVE | IN_CREATE | IN_DELETE |
                                               IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
                                         : IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
      const int id =
          inotify_add_watch(descriptor.native_handle(), path.c_str(), events | IN_MASK_ADD | IN_ONLYDIR);
      if (id >= 0) {
        watched[id].insert(&folder);
        const auto below = wanted.find('/', length + 1);
        if (is_it || access(wanted.substr(0, below).c_str(), F_OK) != 0) return;
        length = wanted.size();
        continue;
      }
      if (errno != ENOENT && errno != ENOTDIR) return;  // not for us to see
      const auto slash = wanted.rfind('/', length - 1);
      length = slash == std::string::npos || slash == 0 ? 0 : slash;
    }
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& error) {
                            const auto self = weak.lock();
                            if (error || !self) return;
                            self->take_events();
                            self->wait();
                          });
  }

  void take_events() {
    alignas(inotify_event) std::array<char, 16384> buffer;
    bool changed = false;
    std::set<const Folder*> anew;
    for (ssize_t got = 0; (got = ::read(descriptor.native_handle(), buffer.data(), buffer.size())) > 0;) {
      for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const std::string_view name(buffer.data() + at + sizeof event);
        at += sizeof event + event.len;
        changed |= take(event, event.len > 0 ? name : std::string_view(), anew);
      }
    }
    for (const auto* folder : anew) watch_folder(*folder);
    if (!changed && anew.empty()) return;
    fresh = false;
    on_change();
  }

  /// Whether a lease file has changed; into `anew` go the folders that are to be watched anew.
  bool take(const inotify_event& event, std::string_view name, std::set<const Folder*>& anew) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      for (const auto& folder : kFolders) anew.insert(&folder);
      return true;
    }
    const auto found = watched.find(event.wd);
    if (found == watched.end()) return false;
    bool changed = false;
    for (const auto* folder : found->second) {
      if (!name.empty() && is_lease_file(folder->client, name)) {
        changed = true;
      } else if (name.empty() || cat(folder->path, '/').find(cat('/', name, '/')) != std::string::npos) {
        anew.insert(folder);
      }
    }
    if ((event.mask & IN_MOVE_SELF) != 0) inotify_rm_watch(descriptor.native_handle(), event.wd);
    if ((event.mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) watched.erase(found);
    return changed;
  }

  Log& log;
  std::string root;
  std::function<void()> on_change;
  std::map<int, std::set<const Folder*>> watched;  ///< by watch descriptor
  std::vector<DhcpLease> leases;
  bool fresh = false;  ///< `leases` is what the files say
  asio::posix::stream_descriptor descriptor;
};

LeaseFiles::LeaseFiles(EventLoop& loop, Log& log, std::string root)
    : impl_(std::make_shared<Impl>(loop, log, std::move(root))) {}

LeaseFiles::~LeaseFiles() = default;

std::vector<DhcpLease> LeaseFiles::read() {
  if (!impl_->fresh) {
    impl_->fresh = impl_->descriptor.is_open();
    impl_->leases = impl_->read_all();
  }
  return impl_->leases;
}

void LeaseFiles::watch(std::function<void()> on_change) {
  impl_->start(std::move(on_change));
}

}  // namespace multilink
