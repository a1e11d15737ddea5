#!/usr/bin/env bash
# unit-guest.sh - in a guest with systemd: weir.service counts a ping exactly, reloads, and stops without leaving anything.
#
# In:    PARANOID: kernel.perf_event_paranoid.
# Out:   a line a check, and "unit: N of M checks fall short". 0 if none does.
checks=0 short=0
check() { # NAME WANT GOT
  checks=$((checks + 1))
  [ "$2" = "$3" ] && { echo "ok    $1: $3"; return; }
  short=$((short + 1))
  echo "WRONG $1: want $2, got $3"
}
sum() { # PATTERN: sum of the series that match
  traffic get 127.0.0.1 10960 /metrics | grep -E "^$1" | awk '{ n += $NF } END { print n + 0 }'
}
sysctl -qw "kernel.perf_event_paranoid=$PARANOID"
ip netns add pod
ip link add host-pod type veth peer name eth0 netns pod
ip addr add 10.0.0.1/32 dev lo
ip link set host-pod up
ip route add 10.0.0.2 dev host-pod src 10.0.0.1
ip -n pod addr add 10.0.0.2/32 dev eth0
ip -n pod link set eth0 up
ip -n pod route add 10.0.0.1 dev eth0

systemctl start weir
for _ in $(seq 60); do
  traffic get 127.0.0.1 10960 /-/ready >/dev/null 2>&1 && break
  sleep 0.5
done
check 'weir.service is active' active "$(systemctl is-active weir)"
pid=$(systemctl show -P MainPID weir)
check 'it does not run as root' 1 "$(awk '/^Uid/ { print $2 != 0 }' "/proc/$(pidof node | tr ' ' '\n' | head -1)/status")"
sleep 2
ping -q -c 20 -i 0.05 10.0.0.2 >/dev/null
# addresses without names: their counts wait a few seconds for one
for _ in $(seq 40); do
  [ "$(sum 'weir_flow_packets_total.*protocol="ICMP')" != 0 ] && break
  sleep 0.5
done
check 'echo requests and replies are counted' 40 "$(sum 'weir_flow_packets_total.*protocol="ICMP')"
systemctl reload weir
sleep 2
check 'a reload keeps the process' "$pid" "$(systemctl show -P MainPID weir)"
systemctl stop weir
check 'a stop is clean' success "$(systemctl show -P Result weir)"
check 'no program is left' 0 "$(bpftool -j prog show | grep -o '"weir[^"]*"' | wc -l)"
check 'no link is left' 0 "$(bpftool -j link show | grep -c tcx)"
[ $short = 0 ] || { systemctl status weir -l --no-pager; traffic get 127.0.0.1 10960 /metrics | grep ^weir; }
echo "unit: $short of $checks checks fall short"
exit $short
