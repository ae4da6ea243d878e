# SPDX-License-Identifier: GPL-2.0-or-later
"""Two providers inside the machine, and the configuration for them."""

CONFIG = """\
[multilink]
targets = 192.0.2.1, 192.0.2.2
up_after = 2s
[{0}]
[{1}]
"""
# Each a namespace with its router and "the Internet" behind it, the targets that multilink has by default included.
PROVIDERS = """
set -e
number=1
for net in 198.51.100 203.0.113; do
  ip netns add isp$number
  ip link add wan$number type veth peer name port netns isp$number
  ip -n isp$number link set lo up
  for address in $net.1/24 192.0.2.1/32 192.0.2.2/32 1.1.1.1/32 8.8.8.8/32 9.9.9.9/32; do
    case $address in *.1/24) device=port ;; *) device=lo ;; esac
    ip -n isp$number addr add $address dev $device
  done
  ip -n isp$number link set port up
  number=$((number + 1))
done
"""
# What a network service would set up on the uplinks: wan1 has the better default.
BY_HAND = """
number=1
for net in 198.51.100 203.0.113; do
  ip link set wan$number up
  ip addr replace $net.2/24 dev wan$number
  ip route replace default via $net.1 dev wan$number metric $((100 * number))
  number=$((number + 1))
done
"""
NETWORK = PROVIDERS + BY_HAND
# A network behind the machine, which forwards for it; the providers know the way back.
INSIDE = """
set -e
ip netns add client
ip link add lan type veth peer name port netns client
ip addr add 10.9.0.1/24 dev lan
ip link set lan up
ip -n client addr add 10.9.0.2/24 dev port
ip -n client link set port up
ip -n client route add default via 10.9.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
ip -n isp1 route add 10.9.0.0/24 via 198.51.100.2
ip -n isp2 route add 10.9.0.0/24 via 203.0.113.2
"""
