package dragonfly_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"d7y.io/dragonfly/v2/scheduler/resource/standard"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/dragonfly"
	"github.com/hostlife/hostlife/internal/effort"
)

// Goroutines announce, delete and read a few hosts while RunGC evicts them. Each answer that a host
// is there must be true until its timeout, and the seeds must be those of the registry.
func TestSchedulerUnderStress(t *testing.T) {
	for range effort.Times(10, 200) {
		synctest.Test(t, func(t *testing.T) {
			s := &stress{Hosts: newHosts(t, dragonfly.Options{}), left: map[*standard.Host]int{}}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					for range 200 {
						s.act(fmt.Sprint(rand.IntN(6)), i)
						time.Sleep(rand.N(15 * time.Millisecond))
					}
				})
			}
			wg.Wait()
			require.Empty(t, s.broken)
			s.requireSameSeeds(t)
			time.Sleep(time.Minute)
			require.NoError(t, s.RunGC(t.Context()))
			require.Zero(t, s.Len())
			require.Empty(t, s.LoadAllSeeds())
			for host, times := range s.left {
				require.Equal(t, 1, times, host.ID)
			}
			require.EqualValues(t, len(s.left), s.Registry().Stats().Departures.Evicted)
		})
	}
}

type stress struct {
	*dragonfly.Hosts

	mu     sync.Mutex // guards the rest
	left   map[*standard.Host]int
	broken []string
}

const shortInterval = 10 * time.Millisecond

// act does one thing to the host with this id, of which goroutine 0 is the garbage collection.
func (s *stress) act(id string, goroutine int) {
	switch {
	case goroutine == 0:
		_ = s.RunGC(context.Background())
	case goroutine == 1 && rand.IntN(20) == 0:
		if isOdd(id) {
			s.Delete(id)
		}
	case goroutine < 5:
		s.announce(id)
	default:
		s.LoadAllSeeds()
		s.LoadAllNormals()
		s.LoadRandom(3, noHosts)
	}
}

// announce announces as AnnounceHost does, and goes on with the host that is there. Only hosts with
// odd ids are deleted: the others must be there afterwards, and their peers must leave in the end.
func (s *stress) announce(id string) {
	host := manager{s.Hosts, s.Heard}.announceHost(id, func() *standard.Host { return s.newHost(id) })
	current, _ := s.Load(id)
	if isOdd(id) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left[host] += 0
	if current != host {
		s.broken = append(s.broken, id+" is not there")
	}
}

func isOdd(id string) bool { return (id[0]-'0')%2 == 1 }

// newHost takes some time, so that several announces of one id make a host.
func (s *stress) newHost(id string) *standard.Host {
	time.Sleep(rand.N(time.Millisecond))
	host := newSeed(id, standard.WithAnnounceInterval(shortInterval))
	onLeave(host, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.left[host]++
	})
	return host
}

func (s *stress) requireSameSeeds(t *testing.T) {
	t.Helper()
	require.ElementsMatch(t, ids(s.LoadAll()), ids(s.LoadAllSeeds()))
}
