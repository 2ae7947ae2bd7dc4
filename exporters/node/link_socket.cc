// SPDX-License-Identifier: Apache-2.0
// RTM_GETLINK dumps.
#include "exporters/node/link_socket.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace vigil::node {
namespace {

constexpr size_t kBufferBytes = 64 << 10;  // more than the kernel puts into one dump datagram

Error SystemError(const char* what) {
  return Internal(std::string("netlink: ") + what + ": " + std::strerror(errno));
}

}  // namespace

LinkSocket::~LinkSocket() { Close(); }

void LinkSocket::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

Result<void> LinkSocket::Open() {
  if (socket_ >= 0) return Ok();
  socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket_ < 0) return SystemError("socket");
  // The kernel answers at once; should it not, the scrape must still end.
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  buffer_.resize(kBufferBytes);
  return Ok();
}

Result<std::vector<NetDevice>> LinkSocket::Ask() {
  struct {
    nlmsghdr header;
    ifinfomsg body;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.ifi_family = AF_UNSPEC;
  if (send(socket_, &request, sizeof(request), 0) != static_cast<ssize_t>(sizeof(request))) {
    return SystemError("send");
  }
  std::vector<NetDevice> devices;
  bool more = true;
  while (more) {
    const ssize_t size = recv(socket_, buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemError("receive");
    if (static_cast<size_t>(size) > buffer_.size()) {
      return Internal("netlink: answer of " + std::to_string(size) + " bytes is too large");
    }
    more = TRY(ParseLinkMessages(std::span(buffer_).first(static_cast<size_t>(size)), &devices));
  }
  return devices;
}

Result<std::vector<NetDevice>> LinkSocket::Dump() {
  TRY(Open());
  auto devices = Ask();
  // The rest of a half-read answer would be taken for the next one.
  if (!devices) Close();
  return devices;
}

}  // namespace vigil::node
