package announcer_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/announcer"
)

// A network client passes on the deadline of its context, and finds in Err why a call ended.
func TestTheLimitOfACallIsADeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		began := time.Now()
		p := start(t, announcer.Config[string]{
			ID: "a", Interval: 40 * second,
			Announce: func(ctx context.Context, _ hostmgr.Announcement[string]) (hostmgr.Ack, error) {
				deadline, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, 10*second, time.Until(deadline))
				<-ctx.Done()
				return hostmgr.Ack{}, ctx.Err()
			},
		})
		pass(10 * second)
		require.ErrorIs(t, p.only().Err, context.DeadlineExceeded)
		require.Equal(t, 10*second, time.Since(began))
		require.NoError(t, p.ends())
	})
}

// Other code would compare the deadline of a fake clock with the system clock.
func TestAnEmbeddersClockMakesNoDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, announcer.Config[string]{
			ID: "a", Clock: clock.NewMock(),
			Announce: func(ctx context.Context, _ hostmgr.Announcement[string]) (hostmgr.Ack, error) {
				_, ok := ctx.Deadline()
				require.False(t, ok)
				return hostmgr.Ack{Registration: 1}, nil
			},
		})
		require.EqualValues(t, 1, p.only().Registration)
		require.NoError(t, p.ends())
	})
}
