package hostmgr_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Confirm takes 5 s for a batch and refuses all. A host that becomes due waits for the hosts that
// waited before it, not for those that are asked about again and again.
func TestConfirmAsksFirstAboutTheHostThatWaitedLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := map[string]time.Duration{}
		r, err := hostmgr.New(hostmgr.Config[string]{
			Confirm: func(ctx context.Context, due hosts) (hosts, error) {
				for _, h := range due {
					if _, again := waits[h.ID]; !again {
						waits[h.ID] = time.Since(h.EvictAt)
					}
				}
				time.Sleep(5 * second)
				return nil, ctx.Err()
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		join := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
			require.NoError(t, err)
		}
		for i := range 2048 {
			join(strconv.Itoa(i))
		}
		for i := range 20 {
			time.Sleep(2 * second)
			join("late " + strconv.Itoa(i))
		}
		time.Sleep(time.Minute)
		stop()
		require.Len(t, waits, 2068)
		for id, wait := range waits {
			require.LessOrEqual(t, wait, 5*5*second, id) // the batch under way and 4 before it
		}
	})
}

// Confirm hangs. The hosts that it is asked about are counted meanwhile, and so are those that
// wait. Once they are heard or have left, they wait no more.
func TestConfirmIsCountedWhileItHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		r, err := hostmgr.New(hostmgr.Config[string]{
			ConfirmTimeout: time.Minute,
			Confirm: func(context.Context, hosts) (hosts, error) {
				<-answer
				return nil, nil
			},
		})
		require.NoError(t, err)
		stop := run(t, r)
		join := func(id string) {
			_, err := r.Announce(hostmgr.Announcement[string]{ID: id, Interval: second})
			require.NoError(t, err)
		}
		join("first")
		time.Sleep(2*second + 1)
		asked := time.Now()
		for i := range 600 {
			join(strconv.Itoa(i))
		}
		time.Sleep(4 * second)
		s := r.Stats()
		require.EqualValues(t, 1, s.HeldByConfirm)
		require.Equal(t, [2]int{600, 1}, [2]int{s.Confirm.Waiting, s.Confirm.Asked})
		require.True(t, asked.Equal(s.Confirm.OldestAsked), s.Confirm.OldestAsked)
		h, _ := r.Get("first")
		require.Equal(t, "awaiting Confirm", h.Hold.String())
		h, _ = r.Get("0")
		require.Equal(t, "awaiting Confirm", h.Hold.String())

		_, err = r.Heartbeat("0", 0)
		require.NoError(t, err)
		require.NoError(t, r.Leave(t.Context(), "1", 0))
		require.NoError(t, r.Forget("2", 0))
		require.Equal(t, 597, r.Stats().Confirm.Waiting)
		time.Sleep(3 * second) // the one that was heard is due again
		require.Equal(t, 598, r.Stats().Confirm.Waiting)

		close(answer)
		synctest.Wait()
		s = r.Stats()
		require.EqualValues(t, 599, s.HeldByConfirm)
		require.EqualValues(t, 599, s.Confirm.Refused)
		require.Equal(t, [2]int{}, [2]int{s.Confirm.Waiting, s.Confirm.Asked})
		require.Zero(t, s.Confirm.OldestAsked)
		stop()
	})
}
