package share_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// roaming has hosts make each contact at a random process, for some intervals. The contacts come a
// little late, or early.
func (f *fleet) roaming(hosts, intervals int, rnd *rand.Rand) (contacts uint64) {
	for range intervals {
		began := time.Now()
		for i := range hosts {
			due := began.Add(time.Duration(i) * interval / time.Duration(hosts))
			time.Sleep(time.Until(due.Add(time.Duration(rnd.IntN(20)) * time.Millisecond)))
			_, err := f.processes[rnd.IntN(len(f.processes))].hosts.Heartbeat(fmt.Sprint("h", i), 0)
			require.NoError(f.t, err)
			contacts++
		}
		time.Sleep(time.Until(began.Add(interval)))
	}
	return contacts
}

func (f *fleet) writes() (sum uint64) {
	for _, p := range f.processes {
		sum += p.member.Stats().Writes
	}
	return sum
}

// newRoaming returns a fleet of three with a policy.
func newRoaming(t *testing.T, policy hostmgr.Policy) *fleet {
	f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}, policy: policy}
	for i := range 3 {
		f.start(fmt.Sprint("scheduler-", i))
	}
	time.Sleep(11 * time.Second)
	return f
}

func TestAHostThatRoamsCostsFewWrites(t *testing.T) {
	for _, x := range []struct {
		policy hostmgr.Fixed
		most   float64
	}{{2, 0.4}, {3, 0.3}} { // attempts; some meet the answer of another member
		bubble(t, func(t *testing.T) {
			const hosts = 60
			f, rnd := newRoaming(t, x.policy), rand.New(rand.NewPCG(1, 2))
			for i := range hosts {
				f.processes[i%3].announce(t, fmt.Sprint("h", i), peer{})
			}
			f.roaming(hosts, 5, rnd)
			before := f.writes()
			contacts := f.roaming(hosts, 20, rnd)
			attempts := float64(f.writes()-before) / float64(contacts)
			t.Logf("Fixed(%v): %.2f attempts to write a record for each contact", x.policy, attempts)
			require.Less(t, attempts, x.most, "%v", x.policy)
			for _, p := range f.processes {
				require.Equal(t, hosts, p.hosts.Len())
			}
			f.stop()
		})
	}
}

// The suspicion of a host that roams is told an interval later. Then all members show it.
func TestTheSuspicionOfAHostThatRoamedIsToldLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRoaming(t, hostmgr.Fixed(7)) // suspect after 4 intervals, evicted after 7
		f.processes[0].announce(t, "h0", peer{})
		for range 8 { // process 0 asks, and process 1 takes the host
			time.Sleep(interval)
			_, err := f.processes[1].hosts.Heartbeat("h0", 0)
			require.NoError(t, err)
		}
		suspect := func() (n int) {
			for _, p := range f.processes {
				if h, ok := p.hosts.Get("h0"); ok && h.State == hostmgr.StateSuspect {
					n++
				}
			}
			return n
		}
		keeper, ok := f.processes[2].member.Keeper("h0")
		require.True(t, ok)
		require.Equal(t, "scheduler-1", keeper.Name)
		time.Sleep(4*interval + time.Second)
		require.Equal(t, 1, suspect(), "its keeper shows it")
		time.Sleep(interval)
		require.Equal(t, 3, suspect())
		time.Sleep(3 * interval)
		for _, p := range f.processes {
			require.Zero(t, p.hosts.Len())
		}
		f.stop()
	})
}

// A host that roamed is evicted as soon as any other host, but for the moment for which its keeper
// waits. In a bubble all else takes no time.
func TestAHostThatRoamedIsEvictedSoon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const hosts = 30
		f, rnd := newRoaming(t, hostmgr.Fixed(2)), rand.New(rand.NewPCG(3, 4))
		for i := range hosts {
			f.processes[i%3].announce(t, fmt.Sprint("h", i), peer{})
		}
		f.roaming(hosts, 10, rnd)
		time.Sleep(3 * interval)
		for _, p := range f.processes {
			require.Zero(t, p.hosts.Len())
			p.mu.Lock()
			for _, d := range p.departed {
				require.Equal(t, hostmgr.DepartureEvicted, d.Kind)
				require.Greater(t, d.Silence, 2*interval)
				require.Less(t, d.Silence, 2*interval+200*time.Millisecond, d.Host.ID)
			}
			p.mu.Unlock()
		}
		f.stop()
	})
}
