package dragonfly_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"d7y.io/dragonfly/v2/pkg/container/set"
	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const fleetSize = 100_000

// A measure returns a figure of a manager with fleetSize hosts.
type measure struct {
	name, unit string
	figure     func(t testing.TB, open func(testing.TB) manager) float64
}

var measures = []measure{
	{"RunGC, no host due", "ns", repeated(20, func(m manager, _ []*standard.Host) { _ = m.RunGC(context.Background()) })},
	{"RunGC, half of the hosts due", "ns", halfDue},
	{"Load", "ns", each(func(m manager, host *standard.Host) { m.Load(host.ID) })},
	{"Store of a new host", "ns", storing},
	{"refresh", "ns", each(func(m manager, host *standard.Host) { m.heard(host) })},
	{"LoadRandom of 10", "ns", repeated(20_000, func(m manager, _ []*standard.Host) {
		m.LoadRandom(10, noHosts)
	})},
	{"LoadAllSeeds, 100 of them", "ns", repeated(10_000, func(m manager, _ []*standard.Host) { m.LoadAllSeeds() })},
	{"LoadAllNormals", "ns", repeated(20, func(m manager, _ []*standard.Host) { m.LoadAllNormals() })},
	{"LoadAll", "ns", repeated(20, func(m manager, _ []*standard.Host) { m.LoadAll() })},
	{"Range", "ns", repeated(20, func(m manager, _ []*standard.Host) {
		m.Range(func(any, any) bool { return true })
	})},
	{"Len", "ns", repeated(100, func(m manager, _ []*standard.Host) { m.Len() })},
	{"heap of a host, without its Host", "B", heapOfHost},
	{"one garbage collection, with all Hosts", "ns", repeated(3, func(manager, []*standard.Host) { runtime.GC() })},
}

var noHosts = set.NewSafeSet[string]()

// BenchmarkManagers reports all figures of both managers. The time of an operation is the time of
// the processor that it takes, so that other processes count less.
func BenchmarkManagers(b *testing.B) {
	for _, x := range measures {
		for _, m := range managers {
			b.Run(x.name+"/"+m.name, func(b *testing.B) {
				sum := 0.0
				for range b.N {
					sum += x.figure(b, m.open)
				}
				b.ReportMetric(sum/float64(b.N), x.unit)
			})
		}
	}
}

// timed measures run, which returns the number of its operations, with a fleet that is stored.
func timed(t testing.TB, open func(testing.TB) manager, run func(manager, []*standard.Host) int) float64 {
	m, hosts := open(t), freshFleet()
	storeAll(m, hosts)
	runtime.GC()
	begun := processorTime()
	ops := run(m, hosts)
	took := processorTime() - begun
	runtime.KeepAlive(m)
	return float64(took) / float64(ops)
}

// processorTime returns how long the processors have worked for this process.
func processorTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// repeated measures an operation on all hosts.
func repeated(times int, op func(manager, []*standard.Host)) func(testing.TB, func(testing.TB) manager) float64 {
	return func(t testing.TB, open func(testing.TB) manager) float64 {
		return timed(t, open, func(m manager, hosts []*standard.Host) int {
			for range times {
				op(m, hosts)
			}
			return times
		})
	}
}

// each measures an operation on one host, chosen at random.
func each(op func(manager, *standard.Host)) func(testing.TB, func(testing.TB) manager) float64 {
	return func(t testing.TB, open func(testing.TB) manager) float64 {
		return timed(t, open, func(m manager, hosts []*standard.Host) int {
			for range 5 * fleetSize {
				op(m, hosts[rand.IntN(fleetSize)])
			}
			return 5 * fleetSize
		})
	}
}

func halfDue(t testing.TB, open func(testing.TB) manager) float64 {
	m, hosts := open(t), freshFleet()
	for i, host := range hosts {
		age(host, time.Duration(i%2)*3*interval)
	}
	storeAll(m, hosts)
	runtime.GC()
	begun := processorTime()
	_ = m.RunGC(t.Context())
	took := processorTime() - begun
	require.Equal(t, fleetSize/2, m.Len())
	return float64(took)
}

// storing measures joins of the last tenth of the fleet.
func storing(t testing.TB, open func(testing.TB) manager) float64 {
	m, hosts := open(t), freshFleet()
	const most = fleetSize * 9 / 10
	storeAll(m, hosts[:most])
	runtime.GC()
	begun := processorTime()
	storeAll(m, hosts[most:])
	return float64(processorTime()-begun) / (fleetSize - most)
}

func heapOfHost(t testing.TB, open func(testing.TB) manager) float64 {
	hosts := freshFleet()
	before := heap()
	m := open(t)
	storeAll(m, hosts)
	after := heap()
	runtime.KeepAlive(m)
	return float64(after-before) / fleetSize
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fleet is the same for all measures: it takes long to make.
var fleet []*standard.Host

// freshFleet returns hosts that were heard just now.
func freshFleet() []*standard.Host {
	if fleet == nil {
		fleet = newFleet(fleetSize)
	}
	for _, host := range fleet {
		host.UpdatedAt.Store(time.Now())
	}
	return fleet
}
