package share_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A third of many hosts die at once: each is evicted once, and all members see that soon. Then a
// member ends: no host is evicted, and the other members take over its hosts.
func TestAMassDeath(t *testing.T) {
	hosts := 3_000
	if n := *massHosts; n > 0 {
		hosts = n
	}
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		start := time.Now()
		for i := range hosts {
			f.processes[i%3].announce(t, fmt.Sprint("h", i), peer{fmt.Sprint("10.0.0.", i), i})
		}
		for _, p := range f.processes {
			require.NoError(t, p.member.Flush(t.Context()))
		}
		t.Logf("joined after %v", time.Since(start))
		time.Sleep(time.Second)
		for _, p := range f.processes {
			require.Equal(t, hosts, p.hosts.Len())
		}
		died := time.Now()
		for time.Since(died) < 2*interval {
			time.Sleep(interval / 2)
			for i := range hosts {
				if i/3%3 != 0 {
					_, err := f.processes[i%3].hosts.Heartbeat(fmt.Sprint("h", i), 0)
					require.NoError(t, err)
				}
			}
		}
		left := 0
		for i := range hosts {
			if i/3%3 != 0 {
				left++
			}
		}
		for {
			time.Sleep(100 * time.Millisecond)
			seen := true
			for _, p := range f.processes {
				seen = seen && p.hosts.Len() == left
			}
			if seen {
				break
			}
			require.Less(t, time.Since(died), 2*interval+10*time.Second)
		}
		t.Logf("%d of %d hosts evicted, seen by all %v after they were due", hosts-left, hosts, time.Since(died)-2*interval)
		for _, p := range f.processes {
			require.EqualValues(t, hosts-left, p.hosts.Stats().Departures.Evicted)
		}
		lost := f.processes[2]
		f.remove(lost)
		lost.stop(t)
		for range 6 { // its hosts go to the others
			time.Sleep(interval / 2)
			for i := range hosts {
				if i/3%3 != 0 {
					_, err := f.processes[i%2].hosts.Heartbeat(fmt.Sprint("h", i), 0)
					require.NoError(t, err)
				}
			}
		}
		for _, p := range f.processes {
			require.Equal(t, left, p.hosts.Len())
			require.EqualValues(t, hosts-left, p.hosts.Stats().Departures.Evicted)
			s := p.member.Stats()
			require.Equal(t, [2]int{left, 0}, [2]int{s.Kept + s.Mirrored, s.Orphaned})
		}
		f.cleaned.mu.Lock()
		defer f.cleaned.mu.Unlock()
		require.Equal(t, [2]int{hosts - left, hosts - left}, [2]int{len(f.cleaned.of), len(f.cleaned.list)})
	})
}

// Promise 7: members release what they needed for the departures of many hosts. What stays is
// bounded: the log of the table, with the records, and what each member remembers of departures.
func TestAMassDeathLeavesLittleMemory(t *testing.T) {
	hosts := 3_000
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 3)
		defer f.stop()
		before := heap()
		for i := range hosts {
			f.processes[i%3].announce(t, fmt.Sprint("h", i), peer{fmt.Sprint("10.0.0.", i), i})
		}
		time.Sleep(2*interval + time.Minute)
		f.cleaned.mu.Lock()
		require.Len(t, f.cleaned.list, hosts)
		f.cleaned.of, f.cleaned.list = map[string]int{}, nil
		f.cleaned.mu.Unlock()
		for _, p := range f.processes {
			require.Zero(t, p.hosts.Len())
			p.mu.Lock()
			p.departed = nil
			p.mu.Unlock()
		}
		left := (heap() - before) / int64(hosts)
		t.Logf("%d bytes for each departed host", left)
		require.Less(t, left, int64(4300)) // without shed: 5,100
	})
}

// What a member needs for a host that it mirrors, beyond the registry.
func TestHeapPerMirroredHost(t *testing.T) {
	if *massHosts == 0 {
		t.Skip("measure with -mass 100000")
	}
	hosts := *massHosts
	alone := heapOf(t, func() any {
		r, err := hostmgr.New(hostmgr.Config[peer]{})
		require.NoError(t, err)
		for i := range hosts {
			_, err := r.Announce(hostmgr.Announcement[peer]{ID: fmt.Sprint("h", i), Metadata: peer{fmt.Sprint("10.0.0.", i), i}})
			require.NoError(t, err)
		}
		return r
	})
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 1)
		for i := range hosts {
			f.processes[0].announce(t, fmt.Sprint("h", i), peer{fmt.Sprint("10.0.0.", i), i})
		}
		require.NoError(t, f.processes[0].member.Flush(t.Context()))
		mirrored := heapOf(t, func() any {
			p := f.start("mirror")
			time.Sleep(11 * time.Second)
			require.Equal(t, hosts, p.hosts.Len())
			return p
		})
		f.stop()
		t.Logf("%.0f bytes a host alone, %.0f more as a mirror", float64(alone)/float64(hosts), float64(mirrored-alone)/float64(hosts))
	})
}

func heapOf(t *testing.T, f func() any) int64 {
	before := heap()
	keep := f()
	after := heap()
	runtime.KeepAlive(keep)
	return after - before
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
