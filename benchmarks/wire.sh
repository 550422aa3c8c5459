#!/bin/sh
# wire.sh measures what an announce costs the example scheduler on the wire, in processor time and in
# memory. Scheduler and peers run in two network namespaces at the two ends of a veth. Its counters
# include the Ethernet, IP and TCP headers, acknowledgements and pings. On Linux with iproute2, as any
# user:
#
#	unshare -rn benchmarks/wire.sh HOSTS CONNECTIONS INTERVAL [REPLICAS]
#
# INTERVAL is in whole seconds. The script waits for one interval and 10 s, then counts for 20 s (or
# $SPAN). It counts announces in the log of the peers.
set -eu
cd "$(dirname "$0")/.."
hosts=$1 connections=$2 interval=$3 replicas=${4:-0} span=${SPAN:-20}
ulimit -n "$(ulimit -Hn)"

peers='' scheduler='' namespace='' dir=$(mktemp -d)
trap 'kill $peers $scheduler $namespace 2>/dev/null; wait; rm -r "$dir"' EXIT
trap 'exit 1' HUP INT TERM
go build -o "$dir/" ./examples/scheduler ./examples/peer

unshare -n sleep infinity &
namespace=$!
until [ "$(readlink /proc/$namespace/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
ip link add v0 type veth peer name v1 netns $namespace
ip addr add 10.9.0.1/16 dev v0
ip link set v0 up
there() { nsenter -t $namespace -n "$@"; }
there ip addr add 10.9.0.2/16 dev v1
there ip link set v1 up
there sysctl -qw net.ipv4.ip_local_port_range='2000 65000'

"$dir/scheduler" -listen 10.9.0.1:8002 -max-hosts 0 >"$dir/out" 2>"$dir/log" &
scheduler=$!
until grep -qs listening "$dir/out"; do sleep 0.1; done
memory() { awk '/^Vm(RSS|HWM)/ { printf "%s %d kB  ", $1, $2 }' /proc/$scheduler/status; }
echo "the scheduler alone: $(memory)"

# An id of 64 characters, as Dragonfly's are; of one host it would be shorter.
id=$(printf '%058d' 0 | tr 0 a)
nsenter -t $namespace -n "$dir/peer" -scheduler 10.9.0.1:8002 -id "$id" -hosts "$hosts" -connections "$connections" \
	-interval "${interval}s" -peers "$replicas" -v >"$dir/peerlog" 2>&1 &
peers=$!
sleep $((interval + 10))

counters() { # time, announces, bytes and packets in, bytes and packets out, processor time in ticks
	echo "$(date +%s.%N) $(grep -c msg=announced "$dir/peerlog")" \
		"$(sed -n 's/^ *v0://p' /proc/net/dev | awk '{ print $1, $2, $9, $10 }')" \
		"$(awk '{ print $14 + $15 }' /proc/$scheduler/stat)"
}
before=$(counters)
sleep "$span"
echo "$before $(counters)" | awk -v tick="$(getconf CLK_TCK)" '{
	n = $9 - $2
	printf "%.0f announces/s for %.1f s: in %.0f B and %.2f packets, out %.0f B and %.2f packets, %.0f us of processor time each\n",
		n / ($8 - $1), $8 - $1, ($10 - $3) / n, ($11 - $4) / n, ($12 - $5) / n, ($13 - $6) / n, ($14 - $7) / tick * 1e6 / n
}'
kill -USR1 $scheduler
sleep 1
echo "with $hosts hosts: $(memory) descriptors $(ls /proc/$scheduler/fd | wc -l)"
sed -n 's/.*msg=status //p' "$dir/log"
echo "announces that failed: $(grep -c 'announce failed' "$dir/peerlog")"
echo "load $(cat /proc/loadavg)"
