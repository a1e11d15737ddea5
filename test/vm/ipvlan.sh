# ipvlan.sh - in a guest: two pods on ipvlan children of the node's uplink, in each mode.
#
# Modules: ipvlan
# Out:   a line for each number, then `ipvlan: N wrong`; exit code 0 if none is. Weir runs as root. Without TCX the pods are uncovered.
tmp=/tmp/ipvlan
mkdir -p $tmp
bad=0
uname -r
in_() { ip netns exec "$@"; }
check() { # WHAT WANT GOT
  [ "$3" = "$2" ] && echo "ok $1 = $3" && return
  bad=$((bad + 1))
  echo "WRONG $1: want $2, got $3"
}
value() {
  awk -v p="$1" 'BEGIN{n=split(p,a,";")} /^weir_/{ok=1; for(i=1;i<=n;i++) if(index($0,a[i])==0) ok=0; if(ok) s+=$NF} END{printf "%d", s}' $tmp/page
}
want() { check "$1" "$2" "$(value "$1")"; }
get() { in_ node traffic get 127.0.0.1 10960 "/$1"; }
page() {
  sleep 3
  get metrics >$tmp/page
}
statistics() { echo $(($(in_ web cat /sys/class/net/eth0/statistics/"$1"_packets) + $(in_ api cat /sys/class/net/eth0/statistics/"$1"_packets))); }

for name in node wire; do
  ip netns add $name
  in_ $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n $name link set lo up
done
ip -n node link add up0 type veth peer name eth0 netns wire
ip -n node addr add 10.99.0.1/24 dev up0
ip -n wire addr add 10.99.0.9/24 dev eth0
ip -n node link set up0 up
ip -n wire link set eth0 up
ip -n node link add link up0 name probe type ipvlan mode l2 || { echo 'ipvlan: skipped, no ipvlan devices'; exit 77; }
ip -n node link del probe
cat >$tmp/inventory.json <<'J'
{"endpoints":[{"id":11,"ips":["10.99.0.2"],"identity":101,"namespace":"shop","pod":"web","workload":{"kind":"Deployment","name":"web"},"local":true},
{"id":12,"ips":["10.99.0.3"],"identity":102,"namespace":"shop","pod":"api","workload":{"kind":"Deployment","name":"api"},"local":true}],
"cidrs":{"0.0.0.0/0":2},"services":[]}
J
in_ wire traffic tserve 7000 &
ip netns exec node node /weir/dist/cli/main.js run --source live --inventory $tmp/inventory.json --report-interval 1s --ring-pages 8 \
  --hubble.listen-address none --web.listen-address 127.0.0.1:10960 >>$tmp/log 2>&1 &
weir=$!
for _ in $(seq 300); do
  get -/ready >/dev/null 2>&1 && break
  sleep 0.3
done

# pods MODE: web and api; those of the modes above the link layer are routed by the node
pods() {
  number=1
  for name in web api; do
    number=$((number + 1))
    ip netns add $name
    in_ $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    ip -n $name link set lo up
    ip -n node link add link up0 name pod type ipvlan mode "$1"
    ip -n node link set pod netns $name name eth0
    ip -n $name addr add 10.99.0.$number/24 dev eth0
    ip -n $name link set eth0 up
    case $1 in l3*) ip -n wire route replace 10.99.0.$number/32 via 10.99.0.1 ;; *) ip -n wire route del 10.99.0.$number/32 2>/dev/null ;; esac
  done
  ip netns exec api traffic usink 6000 & # not by in_: kill would end a shell of its own
  servers=$!
  ip netns exec api traffic tserve 7000 &
  servers+=" $!"
  ip netns exec web traffic usink 6000 &
  servers+=" $!"
}
# found COUNT: as many interfaces are watched, and as many pods are covered. An address that another interface had is in doubt for 5 s.
found() {
  for _ in $(seq 40); do
    get metrics >$tmp/page
    [ "$(value 'weir_interfaces_watched{;pod') $(value weir_pods_covered)" = "$1 $1" ] && break
    sleep 0.5
  done
  check 'interfaces watched' "$1" "$(value 'weir_interfaces_watched{;pod')"
  check 'pods covered' "$1" "$(value weir_pods_covered)"
}
# uncounted rx|tx HOOK: what the interfaces have counted and the programs have not
uncounted() { echo $(($(statistics "$1") - $(value "weir_packets_seen_total{;$2"))); }
# counted WHAT BEFORE MORE: the sum has grown by MORE
counted() { check "$1" "$3" "$(($(value "$1") - $2))"; }

series='source_workload="web";destination_workload="api"'
world='source_workload="web";destination_workload="world"'
back='source_workload="world";destination_workload="web"'
names=''
for reporter in source destination; do
  names+=" weir_connections_opened_total{;$series;reporter=\"$reporter\";TCP=10"
  names+=" weir_connections_closed_total{;$series;reporter=\"$reporter\";fin;TCP=10"
  names+=" weir_tcp_handshake_seconds_count{;$series;reporter=\"$reporter\"=10"
  names+=" weir_flow_packets_total{;$series;reporter=\"$reporter\";UDP=20"
done
names+=" weir_connections_opened_total{;$world;reporter=\"source\";TCP=5 weir_connections_closed_total{;$world;reporter=\"source\";fin;TCP=5"
names+=" weir_tcp_handshake_seconds_count{;$world;reporter=\"source\"=5 weir_flow_packets_total{;$back;reporter=\"destination\";UDP=7"

for mode in l2 l3 l3s; do
  echo "# $mode"
  pods $mode
  if ! grep -qw tcx_prog_attach /proc/kallsyms; then
    page
    want 'weir_pods_local' 2
    want 'weir_pods_covered' 0
    break
  fi
  found 2
  sleep 1
  page
  before=()
  for name in $names; do before+=("$(value "${name%=*}")"); done
  rx=$(uncounted rx to_pod)
  tx=$(uncounted tx from_pod)
  in_ web traffic tsend 10.99.0.3 7000 10 3000
  in_ web traffic usend 10.99.0.3 6000 20 50 1
  in_ web traffic tsend 10.99.0.9 7000 5 3000
  in_ wire traffic usend 10.99.0.2 6000 7 50 1
  page
  i=0
  for name in $names; do
    counted "${name%=*}" "${before[i]}" "${name##*=}"
    i=$((i + 1))
  done
  for _ in 1 2 3 4 5; do # ARP at any time, also between the two readings
    [ "$(uncounted rx to_pod) $(uncounted tx from_pod)" = "$rx $tx" ] && break
    page
  done
  check 'received, by the interfaces' "$rx" "$(uncounted rx to_pod)"
  check 'sent, by the interfaces' "$tx" "$(uncounted tx from_pod)"
  kill $servers
  for name in web api; do ip netns del $name; done
  found 0
done
want 'weir_interface_bypassed{' 0
want 'weir_interface_reattached_total{' 0
kill -TERM $weir
wait $weir
check 'exit code' 0 $?
for _ in $(seq 20); do left=$(bpftool prog 2>/dev/null | grep -c ' name weir_'); [ "$left" = 0 ] && break; sleep 0.2; done
check 'programs left' 0 "$left"
dmesg | grep -iE 'warning|bug:|oops|call trace|rcu.*stall' | grep -v MP-BIOS | head
[ $bad = 0 ] || { grep -v 'level=info' $tmp/log | cut -c1-300 | head -20; grep -E '^weir_(flow_packets|connections_opened)_total' $tmp/page | cut -c1-330; }
echo "ipvlan: $bad wrong"
[ $bad = 0 ]
