# netkit.sh - in a guest: three pods on netkit devices, without and with programs that redirect at the devices' own hooks.
#
# Out:   a line for each number, then `netkit: N wrong`; exit code 0 if none is. Weir runs with three capabilities.
caps=-all,+bpf,+perfmon,+net_admin
tmp=/tmp/netkit
mkdir -p $tmp
bad=0
uname -r
in_() { ip netns exec "$@"; }
for name in node web api shut; do
  ip netns add $name
  in_ $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n $name link set lo up
done
# `shut` has the policy of a CNI whose program is not there yet: it may send nothing.
number=1
for name in web:forward api:forward shut:blackhole; do
  number=$((number + 1))
  policy=${name#*:}
  name=${name%%:*}
  in_ node netkit add nk$name peer$number $policy || { echo 'netkit: skipped, no netkit devices'; exit 77; }
  ip -n node link set peer$number netns $name name eth0
  ip -n node link set nk$name up
  ip -n node route add 10.99.0.$number/32 dev nk$name
  ip -n $name addr add 10.99.0.$number/32 dev eth0
  ip -n $name link set eth0 up
  ip -n $name route add default dev eth0 rto_min 3s
done
ip -n node addr add 10.99.0.1/32 dev lo
in_ node sysctl -qw net.ipv4.ip_forward=1
cat >$tmp/inventory.json <<'J'
{"endpoints":[{"id":11,"ips":["10.99.0.2"],"identity":101,"namespace":"shop","pod":"web","workload":{"kind":"Deployment","name":"web"},"local":true},
{"id":12,"ips":["10.99.0.3"],"identity":102,"namespace":"shop","pod":"api","workload":{"kind":"Deployment","name":"api"},"local":true},
{"id":13,"ips":["10.99.0.4"],"identity":103,"namespace":"shop","pod":"shut","workload":{"kind":"Deployment","name":"shut"},"local":true}],
"cidrs":{"0.0.0.0/0":2},"services":[]}
J
get() { in_ node traffic get 127.0.0.1 10960 "/$1"; }
start() {
  ip netns exec node setpriv --bounding-set=$caps --inh-caps=$caps --no-new-privs -- node /weir/dist/cli/main.js run --source live \
    --inventory $tmp/inventory.json --report-interval 1s --ring-pages 8 --hubble.listen-address none \
    --web.listen-address 127.0.0.1:10960 >>$tmp/log 2>&1 &
  weir=$!
  for _ in $(seq 300); do
    get -/ready >/dev/null 2>&1 && return
    sleep 0.3
  done
  cut -c1-2000 $tmp/log
}
value() {
  awk -v p="$1" 'BEGIN{n=split(p,a,";")} /^weir_/{ok=1; for(i=1;i<=n;i++) if(index($0,a[i])==0) ok=0; if(ok) s+=$NF} END{printf "%d", s}' $tmp/page
}
check() { # WHAT WANT GOT
  [ "$3" = "$2" ] && echo "ok $1 = $3" && return
  bad=$((bad + 1))
  echo "WRONG $1: want $2, got $3"
}
want() { check "$1" "$2" "$(value "$1")"; }
# send COUNT: COUNT datagrams and COUNT connections from web to api
send() {
  in_ web traffic usend 10.99.0.3 6000 "$1" 50 1
  in_ web traffic tsend 10.99.0.3 7000 "$1" 3000
  sleep 3
  get metrics >$tmp/page
}
# pair WHAT COUNT: both sides counted COUNT
pair() {
  for reporter in source destination; do
    series="source_workload=\"web\";destination_workload=\"api\";reporter=\"$reporter\""
    want "weir_flow_packets_total{;$series;UDP" "$1"
    want "weir_connections_opened_total{;$series;TCP" "$1"
    want "weir_tcp_handshake_seconds_count{;$series" "$1"
    want "weir_connections_closed_total{;$series;fin;TCP" "$1"
  done
  # the two sides of a packet are the same packet
  check 'bytes at both sides' "$(value 'weir_flow_bytes_total{;web;api;reporter="source"')" "$(value 'weir_flow_bytes_total{;web;api;reporter="destination"')"
}
# sent by web, as its device counts
transmitted() { in_ web cat /sys/class/net/eth0/statistics/tx_packets; }
redirect() {
  ip netns exec node netkit redirect "$1" "$2" &
  redirects="$redirects $!"
}
closed() { in_ shut ping -c 2 -i 0.2 -W 1 -q 10.99.0.1 >/dev/null && echo open || echo closed; }

start
in_ api traffic usink 6000 &
in_ api traffic tserve 7000 &
sleep 0.5
before=$(transmitted)
get metrics >$tmp/page
want 'weir_interfaces_watched{;pod' 3
check 'a blackhole policy with Weir' closed "$(closed)"
echo '# no program on the hook'
send 10
pair 10

echo '# programs that redirect come'
redirects=
redirect nkweb nkapi
redirect nkapi nkweb
redirect nkshut lo
sleep 3
send 20
pair 30
want 'weir_interface_reattached_total{;not_first' 3
check 'packets of web' "$(($(transmitted) - before))" "$(value 'weir_flow_packets_total{;source_workload="web";reporter="source"')"

echo '# they are there first'
kill -TERM $weir
wait $weir
start
send 10
pair 10
want 'weir_interface_reattached_total{' 0
want 'weir_interface_bypassed{' 0

echo '# they go'
kill $redirects
sleep 3
check 'a blackhole policy with Weir, after the program' closed "$(closed)"
send 10
pair 20
want 'weir_interface_reattached_total{;detached' 3
kill -TERM $weir
wait $weir
check 'exit code' 0 $?
for _ in $(seq 20); do left=$(bpftool prog 2>/dev/null | grep -c ' name weir_'); [ "$left" = 0 ] && break; sleep 0.2; done
check 'programs left' 0 "$left"
dmesg | grep -iE 'warning|bug:|oops|call trace|rcu.*stall' | grep -v MP-BIOS | head
[ $bad = 0 ] || { grep -v 'level=info' $tmp/log | cut -c1-300 | head -20; grep '^weir_flow_packets_total' $tmp/page | cut -c1-330; }
echo "netkit: $bad wrong"
[ $bad = 0 ]
