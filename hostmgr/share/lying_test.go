package share_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A liar is a Store of one member that says what is not so: that it has written what it has not,
// that another version was there, and that records have versions which nothing wrote.
type liar struct {
	share.Store
	lies atomic.Bool

	mu  sync.Mutex // guards rnd
	rnd *rand.Rand
}

// draw returns a number below n, and n-1 while it tells the truth.
func (l *liar) draw(n int) int {
	if !l.lies.Load() {
		return n - 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rnd.IntN(n)
}

func (l *liar) Put(ctx context.Context, b []share.Write) error {
	switch l.draw(20) {
	case 0:
		return nil
	case 1:
		return share.ErrVersion
	case 2:
		_ = l.Store.Put(ctx, b)
		return share.ErrVersion
	case 3:
		_ = l.Store.Put(ctx, b)
		return errors.New("the connection was lost")
	}
	return l.Store.Put(ctx, b)
}

func (l *liar) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	return l.Store.Feed(ctx, after, func(f share.Frame) bool {
		if len(f.Changes) > 0 && l.draw(200) == 0 {
			f.Changes = slices.Clone(f.Changes)
			f.Changes[len(f.Changes)-1].Version++
		}
		return yield(f)
	})
}

// One of three members has a Store that lies. All living hosts stay, and the others are evicted.
func TestAStoreThatLiesEvictsNoLivingHost(t *testing.T) {
	for seed := range uint64(3) {
		bubble(t, func(t *testing.T) {
			memory := share.Memory()
			l := &liar{Store: memory, rnd: rand.New(rand.NewPCG(seed, 1))}
			f := newFleet(t, memory, 2)
			f.store = l
			f.start("its store lies")
			time.Sleep(11 * time.Second)
			l.lies.Store(true)
			rnd := rand.New(rand.NewPCG(seed, 2))
			for range 300 {
				for i := range 5 {
					p := f.processes[rnd.IntN(3)]
					if p.member.Ready() {
						_, err := p.hosts.Announce(hostmgr.Announcement[peer]{
							ID: fmt.Sprint("h", i), Interval: interval, Metadata: peer{Load: rnd.IntN(2)},
						})
						require.NoError(t, err)
					}
				}
				time.Sleep(time.Second)
			}
			require.NotZero(t, f.processes[2].member.Stats().Conflicts)
			l.lies.Store(false)
			for _, p := range f.processes {
				require.Zero(t, p.hosts.Stats().Departures.Evicted, p.name)
			}
			time.Sleep(3 * time.Minute)
			for _, p := range f.processes {
				require.Zero(t, p.hosts.Len(), p.name)
				require.Equal(t, uint64(5), p.hosts.Stats().Departures.Evicted, p.name)
			}
			require.Len(t, f.cleaned.all(), 5)
			f.stop()
		})
	}
}
