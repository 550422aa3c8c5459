package share_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func TestACleanupThatFailsAndHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		calls := 0 // one at a time
		f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}}
		f.cleanup = func(ctx context.Context, d hostmgr.Departure[peer]) error {
			switch calls++; calls {
			case 1:
				return errors.New("not now")
			case 2:
				panic("oops")
			case 3:
				<-ctx.Done()
				return ctx.Err()
			}
			return f.cleaned.clean(ctx, d)
		}
		f.start("a")
		time.Sleep(11 * time.Second)
		f.processes[0].announce(t, "h", peer{})
		require.NoError(t, f.processes[0].hosts.Leave(t.Context(), "h", 0))
		time.Sleep(20 * time.Second)
		require.Len(t, f.cleaned.all(), 1)
		require.Equal(t, 4, f.cleaned.all()[0].Attempt)
		s := f.processes[0].member.Stats().Cleanup
		require.EqualValues(t, 1, s.Done)
		require.EqualValues(t, 3, s.Failed)
		require.Zero(t, s.Owed)
		f.stop()
	})
}

func TestACleanupIsTakenOverAfterAGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}}
		f.cleanup = func(ctx context.Context, _ hostmgr.Departure[peer]) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p := f.start("a")
		f.cleanup = nil
		f.start("b")
		time.Sleep(11 * time.Second)
		p.announce(t, "h", peer{})
		require.NoError(t, p.hosts.Leave(t.Context(), "h", 0))
		time.Sleep(time.Second)
		f.remove(p)
		p.stop(t)
		time.Sleep(time.Second)
		require.Len(t, f.cleaned.all(), 1)
		require.EqualValues(t, 1, f.processes[0].member.Stats().Cleanup.TakenOver)
		f.stop()
	})
}
