# lab.sh - in a guest: three pods behind a node, known traffic, Weir live; compares the series with what was sent.
#
# In:    CAPS: setpriv arguments that confine Weir; ARGS: more arguments of `weir run`; PARANOID: perf_event_paranoid;
#        VERIFIER=1: also what the programs cost the verifier;
#        CRASH=1: also kill -9 and a second start; CLOSES: connections closed in each way that must not count as a drop.
# Out:   a line for each wrong number, then `lab: N of M checks fall short`; exit code 0 if all are right.
weir="setpriv ${CAPS:-} -- node /weir/dist/cli/main.js"
[ -n "${CAPS:-}" ] || weir="node /weir/dist/cli/main.js"
tmp=/tmp/lab
mkdir -p $tmp
bad=0
all=0
in_() { ip netns exec "$@"; }
say() { read -r up _ </proc/uptime; echo "[$up] $*"; }
get() { in_ node traffic get 127.0.0.1 10960 "/$1"; }

if [ -n "${VERIFIER:-}" ]; then
  all=$((all + 1))
  node /weir/test/vm/verifier.mjs || bad=$((bad + 1))
fi
[ -z "${PARANOID:-}" ] || echo "$PARANOID" >/proc/sys/kernel/perf_event_paranoid
say "$(uname -r), perf_event_paranoid $(cat /proc/sys/kernel/perf_event_paranoid)"
for name in node web api db; do
  ip netns add $name
  in_ $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n $name link set lo up
done
# on several CPUs a RST may overtake the last ACK, which then finds no socket: a real drop
pinned=
[ "${CLOSES:-0}" = 0 ] || pinned='taskset 1'
number=0
for name in web api db; do
  number=$((number + 1))
  ip link add v$name netns node type veth peer name eth0 netns $name
  ip -n node addr add 10.99.$number.1/30 dev v$name
  ip -n node link set v$name up
  ip -n $name addr add 10.99.$number.2/30 dev eth0
  ip -n $name link set eth0 up
  # emulation is slow: a needless retransmission that reaches a socket in TIME_WAIT is a drop, NOT_SPECIFIED
  ip -n $name route add default via 10.99.$number.1 rto_min 3s
  in_ $name sysctl -qw net.ipv4.tcp_early_retrans=0
done
# emulation is slow: the default backlog drops packets
sysctl -qw net.core.netdev_max_backlog=20000
in_ node sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
in_ api sysctl -qw net.ipv4.icmp_ratelimit=0
in_ db sysctl -qw net.ipv4.icmp_ratelimit=0
ip -n node route add blackhole 10.97.0.0/16
echo 'table ip t { chain f { type filter hook forward priority 0; ip saddr 10.99.1.2 ip daddr 10.99.3.2 udp dport 5000 drop; }; }' |
  in_ node nft -f -
cat >$tmp/inventory.json <<'J'
{"identities":{"101":["k8s:app=web","k8s:io.kubernetes.pod.namespace=shop"],"102":["k8s:app=api","k8s:io.kubernetes.pod.namespace=shop"],"103":["k8s:app=db","k8s:io.kubernetes.pod.namespace=payments"]},
"endpoints":[{"id":11,"ips":["10.99.1.2"],"identity":101,"namespace":"shop","pod":"web-5d4-abcde","workload":{"kind":"Deployment","name":"web"},"local":true},
{"id":12,"ips":["10.99.2.2"],"identity":102,"namespace":"shop","pod":"api-0","workload":{"kind":"StatefulSet","name":"api"},"local":true},
{"id":13,"ips":["10.99.3.2"],"identity":103,"namespace":"payments","pod":"db-0","workload":{"kind":"StatefulSet","name":"db"},"local":true}],
"cidrs":{"0.0.0.0/0":2},"services":[],"dns":{},"links":{},"cgroups":{}}
J

start() {
  ip netns exec node $weir run --source live ${ARGS:-} --interfaces 'v*' --inventory $tmp/inventory.json --report-interval 1s \
    --ring-pages 8 --hubble.listen-address none --web.listen-address 127.0.0.1:10960 >>$tmp/log 2>&1 &
  pid=$!
  for _ in $(seq 300); do
    get -/ready >/dev/null 2>&1 && return
    kill -0 $pid 2>/dev/null || break
    sleep 0.3
  done
  say "weir is not ready:"
  cut -c1-2000 $tmp/log
  exit 3
}
value() {
  awk -v pattern="$1" 'BEGIN { n = split(pattern, part, ";") }
    /^[a-z]/ { ok = 1; for (i = 1; i <= n; i++) if (!index($0, part[i])) ok = 0; if (ok) sum += $NF } END { printf "%d", sum }' $tmp/page
}
want() {
  got=$(value "$1")
  all=$((all + 1))
  [ "$got" = "$2" ] || { bad=$((bad + 1)); echo "WRONG $1: want $2, got $got"; }
}
# packets of the pods' interfaces in both directions
packets() { for name in vweb vapi vdb; do in_ node cat /sys/class/net/$name/statistics/{rx,tx}_packets; done | awk '{ sum += $1 } END { print sum }'; }

start
say "ready"
in_ api traffic usink 6000 &
in_ api $pinned traffic tserve 7000 &
in_ db traffic tserve 7000 &
in_ api $pinned traffic tleave 7001 &
in_ api $pinned traffic tserve 7002 20 &
sleep 0.5
before=$(packets)
in_ web traffic usend 10.99.2.2 6000 1000 100 1
in_ db traffic usend 10.99.2.2 6000 3000 20 300
in_ web traffic usend 10.99.3.2 5000 50 50 1
in_ web traffic usend 10.99.3.2 5999 20 50 20
in_ web traffic tsend 10.99.2.2 7000 50 20000
in_ web traffic tsend 10.99.2.2 7000 1 5000000
in_ web traffic tsend 10.99.3.2 7000 5 1000 rst
in_ web traffic usend 10.97.0.1 9 10 50 1
in_ web ping -c 4 -i 0.2 -q 10.99.3.2 >/dev/null
sleep 3
one=$(packets)
get metrics >$tmp/page
two=$(packets)
web='source_workload="web"'
api='destination_workload="api"'
db='destination_workload="db"'
source='reporter="source"'
want "weir_flow_packets_total{;$web;$api;$source;protocol=\"UDP\"" 1000
want "weir_flow_packets_total{;$web;$api;reporter=\"destination\";protocol=\"UDP\"" 1000
want "weir_flow_bytes_total{;$web;$api;$source;protocol=\"UDP\"" 142000
want "weir_flow_packets_total{;source_workload=\"db\";$api;$source;protocol=\"UDP\"" 3000
want "weir_connections_opened_total{;source_workload=\"db\";$api;$source;protocol=\"UDP\"" 300
want "weir_flow_packets_total{;$web;$db;$source;protocol=\"UDP\"" 70
want "weir_connections_opened_total{;$web;$api;$source;protocol=\"TCP\"" 51
want "weir_connections_closed_total{;$web;$api;$source;reason=\"fin\"" 51
want "weir_connections_closed_total{;$web;$db;$source;reason=\"reset\"" 5
want "weir_tcp_handshake_seconds_count{;$web;$api;$source" 51
want "weir_tcp_flags_total{;$web;$api;$source;flag=\"SYN\"" 51
want "weir_icmp_messages_total{;$web;$db;$source" 4
want "weir_packet_size_bytes_count{;$web;$api;$source" "$(value "weir_flow_packets_total{;$web;$api;$source")"
want "weir_drop_packets_total{;$web;$db;reason=\"${NETFILTER:-NETFILTER_DROP}\"" 50
want "weir_drop_bytes_total{;$web;$db;reason=\"${NETFILTER:-NETFILTER_DROP}\"" 4600
want "weir_drop_packets_total{;$web;$db;reason=\"NO_SOCKET\";protocol=\"UDP\"" 20
want "weir_drop_packets_total{;$web;destination_workload=\"world\"" 10
want "weir_drop_packets_total{;protocol=\"UDP\"" 80
seen=$(($(value 'weir_flow_packets_total{;reporter="source"') + $(value 'weir_flow_packets_total{;reporter="destination"') + $(value 'weir_packets_ignored_total{')))
all=$((all + 1))
# an ARP probe may fall between the two readings
if [ $((one - before)) -gt $seen ] || [ $seen -gt $((two - before)) ]; then
  bad=$((bad + 1))
  echo "WRONG interfaces: $((one - before)) to $((two - before)) packets, series: $seen"
fi
if [ "${CLOSES:-0}" -gt 0 ]; then
  in_ web $pinned traffic tsend 10.99.2.2 7000 "$CLOSES" 100
  in_ web $pinned traffic tsend 10.99.2.2 7000 "$CLOSES" 100 rst
  in_ web $pinned traffic tsend 10.99.2.2 7001 "$CLOSES" 100
  in_ web $pinned traffic tsend 10.99.2.2 7002 "$CLOSES" 100 early
  sleep 2
  drops=$(value "weir_drop_packets_total{;protocol=\"TCP\"")
  get metrics >$tmp/page
  want "weir_drop_packets_total{;protocol=\"TCP\"" "$drops"
fi
[ $bad = 0 ] || grep -E '^weir_(drop_packets_total|packets_ignored_total|ring_|unnamed|drops_ignored|stage_up)' $tmp/page
if [ -n "${CRASH:-}" ]; then
  kill -9 $pid
  wait $pid 2>/dev/null
  start
  in_ web traffic usend 10.99.2.2 6000 100 100 1
  sleep 1
  get metrics >$tmp/page
  want "weir_flow_packets_total{;$web;$api;$source;protocol=\"UDP\"" 100
fi
kill -TERM $pid
wait $pid || { bad=$((bad + 1)); echo "WRONG SIGTERM: exit code $?"; }
all=$((all + 1))
# Programs are freed after an RCU grace period.
for _ in $(seq 20); do left=$(bpftool prog 2>/dev/null | grep -c ' name weir_'); [ "$left" = 0 ] && break; sleep 0.2; done
[ "$left" = 0 ] || { bad=$((bad + 1)); echo "WRONG programs left: $left"; }
dmesg | grep -iE 'warning|bug:|oops|call trace|rcu.*stall' | grep -v MP-BIOS | head
grep -v 'level=info' $tmp/log | cut -c1-500 | head -8
say done
echo "lab: $bad of $all checks fall short"
[ $bad = 0 ]
