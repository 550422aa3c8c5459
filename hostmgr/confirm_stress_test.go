package hostmgr_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Writers make all kinds of calls, and sweep, while Confirm answers, fails, hangs and calls the
// registry. At the end the figures add up, and no host waits.
func TestTheFiguresOfConfirmAddUp(t *testing.T) {
	for seed := range times(2, 50) {
		synctest.Test(t, func(t *testing.T) { testConfirmFigures(t, uint64(seed)) })
	}
}

func testConfirmFigures(t *testing.T, seed uint64) {
	var r *hostmgr.Registry[string]
	var calls atomic.Uint64
	end := make(chan struct{})
	r, err := hostmgr.New(hostmgr.Config[string]{ConfirmTimeout: second, Confirm: func(ctx context.Context, due hosts) (hosts, error) {
		switch n := calls.Add(1); n % 6 {
		case 0:
			return nil, errors.New("no answer")
		case 1:
			r.Sweep(ctx)
			_ = r.Forget(due[0].ID, 0)
		case 2:
			time.Sleep(3 * second)
		case 3:
			if n < 40 {
				<-end
			}
		case 4:
			return nil, nil
		}
		return due, nil
	}})
	require.NoError(t, err)
	stop := run(t, r)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(w)))
			for range 2000 {
				switch id := strconv.Itoa(random.IntN(300)); random.IntN(8) {
				case 0:
					_, _ = r.Heartbeat(id, 0)
				case 1:
					_ = r.Leave(t.Context(), id, 0)
				case 2:
					_ = r.Observe(id, 0, 3*second)
				case 3:
					r.Sweep(t.Context())
				default:
					joins(t, r, id)
				}
				time.Sleep(time.Duration(random.IntN(int(40 * time.Millisecond))))
			}
		})
	}
	writers.Wait()
	close(end)
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	s := r.Stats()
	require.Equal(t, [6]int{}, [6]int{s.Hosts, s.Suspects, s.Held, s.Confirm.Waiting, s.Confirm.Asked, s.Confirm.LeftBehind})
	require.Positive(t, s.Confirm.Timeouts)
	require.Positive(t, s.Confirm.Refused)
	require.GreaterOrEqual(t, s.HeldByConfirm, s.Departures.Evicted)
	stop()
}
