package share_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// The table loses departures whose cleanups run. The member writes each again, as the end of a host
// and as a cleanup that is owed. It does not put two writes of one record into one batch.
func TestDeparturesThatAreLostAreWrittenInValidBatches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var refused atomic.Int32
		memory, release := share.Memory(), make(chan struct{})
		f := &fleet{t: t, cleaned: &cleaned{of: map[string]int{}}}
		f.store = &hostile{Store: memory, put: func(ctx context.Context, b []share.Write) (bool, error) {
			err := memory.Put(ctx, b)
			if errors.Is(err, hostmgr.ErrInvalid) {
				refused.Add(1)
			}
			return true, err
		}}
		f.cleanup = func(ctx context.Context, d hostmgr.Departure[peer]) error {
			<-release
			return f.cleaned.clean(ctx, d)
		}
		p := f.start("a")
		time.Sleep(11 * time.Second)
		for i := range 10 {
			p.announce(t, fmt.Sprint("h", i), peer{})
		}
		require.NoError(t, p.member.Flush(t.Context()))
		for i := range 10 {
			require.NoError(t, p.hosts.Leave(t.Context(), fmt.Sprint("h", i), 0))
		}
		require.NoError(t, p.member.Flush(t.Context()))
		require.Equal(t, 20, memory.(interface{ Table() *table.Table }).Table().Lose(20))
		time.Sleep(3 * time.Second)
		require.NotZero(t, p.member.Stats().Losses)
		require.Zero(t, refused.Load())
		close(release)
		time.Sleep(30 * time.Second)
		require.Zero(t, p.hosts.Len())
		require.Zero(t, p.member.Stats().Cleanup.Owed)
		require.Len(t, f.cleaned.all(), 10)
		f.stop()
	})
}

// A Store that refuses one record holds up that host only.
func TestARefusedRecordHoldsUpNoOtherHost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		memory := share.Memory()
		s := &hostile{Store: memory, put: func(_ context.Context, b []share.Write) (bool, error) {
			for i := range b {
				if b[i].Key == "h/bad" {
					return true, fmt.Errorf("%w: bad", hostmgr.ErrInvalid)
				}
			}
			return false, nil
		}}
		f := newFleet(t, s, 2)
		for i := range 20 {
			f.processes[0].announce(t, fmt.Sprint("h", i), peer{})
		}
		f.processes[0].announce(t, "bad", peer{})
		time.Sleep(time.Second)
		require.Equal(t, 20, f.processes[1].hosts.Len())
		f.stop()
	})
}
