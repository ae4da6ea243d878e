// SPDX-License-Identifier: GPL-2.0-or-later
// Evicted TCP connections are reset at the next segment: the table on a real kernel, with real packets.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "contract/filtered_gateway.hpp"
#include "multilink/adapters/syn_notifier.hpp"

namespace multilink {
namespace packet_filter_resets_test {

class EvictedConnections : public FilteredGateway {
 protected:
  EvictedConnections() {
    net_.add_pin_rules();
    net_.use(1);
    net_.masquerade();
    listener_.listen();
  }

  void connect(TcpSocket& from) {
    ASSERT_EQ(from.connect(listener_.local()), 0);
    far_end_ = listener_.accept();
    ASSERT_TRUE(far_end_);
    ASSERT_EQ(from.send("hello"), 0);
    ASSERT_EQ(far_end_->receive(), "hello");
  }
  TcpTuple tuple_of(const TcpSocket& socket) const {
    const auto local = socket.local();
    return {local.address, local.port, listener_.local().address, listener_.local().port};
  }
  void evict(const TcpSocket& socket) {
    const auto count = net_.filter().reset({tuple_of(socket)});
    ASSERT_TRUE(count) << count.error().message;
    EXPECT_EQ(*count, 1U);
  }
  /// What a socket says when it sends: the reset comes with the answer to the first segment.
  static int error_of(TcpSocket& socket) {
    if (const int code = socket.send("more"); code != 0) return code;
    const auto text = socket.receive();
    EXPECT_EQ(text, "");
    return socket.last_error();
  }

  TcpSocket listener_{net_, Place::internet, family_, {.address = net_.server(family_), .port = 7001}};
  std::unique_ptr<TcpSocket> far_end_;
};

TEST_P(EvictedConnections, TheClientIsTold) {
  net_.put_in_force();
  TcpSocket client(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(client);
  evict(client);
  EXPECT_EQ(error_of(client), ECONNRESET);
}

TEST_P(EvictedConnections, TheClientIsToldThoughItsPolicyHasNoUplinkLeft) {
  net_.put_in_force();
  TcpSocket client(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(client);
  const auto rule = cat(family_ == Family::v4 ? "-4" : "-6", " rule add pref 5 from ",
                        net_.client(family_).to_string(), " iif lan0 unreachable");
  ip(split(rule, ' '));
  evict(client);
  EXPECT_EQ(error_of(client), ECONNRESET);
}

TEST_P(EvictedConnections, AClientThatOnlyReceivesIsToldAfterASynInTheServersName) {
  net_.put_in_force();
  TcpSocket client(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(client);
  evict(client);
  net_.forget_connections();
  const auto tuple = tuple_of(client);
  const ConnectionTuple asked{tuple.source, tuple.destination, tuple.source_port, tuple.destination_port};
  SynNotifier notifier(GatewayNetwork::kMask);
  const auto sent = notifier.notify({&asked, 1});
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(client.receive(), "");
  EXPECT_EQ(client.last_error(), ECONNRESET);
}

TEST_P(EvictedConnections, OthersAreLeftAlone) {
  net_.put_in_force();
  TcpSocket evicted(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(evicted);
  TcpSocket other(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(other);
  evict(evicted);
  EXPECT_EQ(other.send("more"), 0);
  EXPECT_EQ(far_end_->receive(), "more");
}

TEST_P(EvictedConnections, ARetryFromTheSamePortWorksAtOnceAndForGood) {
  net_.put_in_force();
  Endpoint local;
  {
    TcpSocket client(net_, Place::client, family_, {.address = net_.client(family_)});
    connect(client);
    local = client.local();
    evict(client);
    EXPECT_EQ(error_of(client), ECONNRESET);
  }
  // As the far end knows nothing of the reset, the old connection must go there too.
  far_end_.reset();
  TcpSocket retry(net_, Place::client, family_, {.address = local.address, .port = local.port});
  connect(retry);
  EXPECT_EQ(retry.send("more"), 0);
  EXPECT_EQ(far_end_->receive(), "more");
}

TEST_P(EvictedConnections, TheAdministratorsDropsDoNotGetInBefore) {
  net_.nft(
      Place::gateway,
      "add table inet strict; "
      "add chain inet strict fw { type filter hook forward priority filter; policy drop; }; "
      "add rule inet strict fw ct state invalid drop; add rule inet strict fw ct state established accept; "
      "add rule inet strict fw tcp flags syn / syn,ack accept");
  net_.sysctl(Place::gateway, "netfilter/nf_conntrack_tcp_loose", "0");
  net_.put_in_force();
  TcpSocket client(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(client);
  evict(client);
  multilink::nft("add table ip nothing");  // a change of the ruleset in between does not matter
  net_.forget_connections();
  EXPECT_EQ(error_of(client), ECONNRESET);
}

TEST_P(EvictedConnections, TheyStayEvictedWhenTheTableIsReplaced) {
  net_.put_in_force();
  TcpSocket client(net_, Place::client, family_, {.address = net_.client(family_)});
  connect(client);
  evict(client);
  auto table = net_.table();
  table.uplinks.pop_back();
  net_.put_in_force(table);
  net_.put_in_force();
  EXPECT_EQ(error_of(client), ECONNRESET);
}

TEST_P(EvictedConnections, ALocalSocketIsToldToo) {
  net_.put_in_force();
  TcpSocket local(net_, Place::gateway, family_, {.address = net_.own(1, family_)});
  connect(local);
  evict(local);
  EXPECT_EQ(error_of(local), ECONNRESET);
}

TEST_P(EvictedConnections, ALocalSocketThatIsDestroyedStillTellsItsFarEnd) {
  net_.put_in_force();
  {
    TcpSocket local(net_, Place::gateway, family_, {.address = net_.own(1, family_)});
    connect(local);
    evict(local);
    local.abort_on_close();
  }
  EXPECT_EQ(far_end_->receive(), "");
  EXPECT_EQ(far_end_->last_error(), ECONNRESET);
}

INSTANTIATE_TEST_SUITE_P(Families, EvictedConnections, both_families(), family_name);

}  // namespace packet_filter_resets_test
}  // namespace multilink
