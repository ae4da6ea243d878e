# SPDX-License-Identifier: GPL-2.0-or-later
"""Two providers inside the machine, and the configuration for them."""

CONFIG = """\
[multilink]
targets = 192.0.2.1, 192.0.2.2
up_after = 2s
[{0}]
[{1}]
"""
# Two providers, each a namespace with its router and "the Internet" behind it.
NETWORK = """
set -e
number=1
for net in 198.51.100 203.0.113; do
  ip netns add isp$number
  ip link add wan$number type veth peer name port netns isp$number
  ip addr add $net.2/24 dev wan$number
  ip link set wan$number up
  ip route add default via $net.1 dev wan$number metric $((100 * number))
  ip -n isp$number link set lo up
  ip -n isp$number addr add $net.1/24 dev port
  ip -n isp$number addr add 192.0.2.1/32 dev lo
  ip -n isp$number addr add 192.0.2.2/32 dev lo
  ip -n isp$number link set port up
  number=$((number + 1))
done
"""
