package docs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hosttest"
)

// The code of testing.md is here, in package tracker and in readme_test.go.

func TestOneOfTwoFallsSilent(t *testing.T) {
	hosts := hosttest.Run(t, hostmgr.Config[string]{})
	for _, id := range []string{"a", "b"} {
		_, err := hosts.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Minute})
		require.NoError(t, err)
	}
	hosts.KeepAlive("a", "b") // Advance sends a heartbeat of each once per interval
	hosts.Advance(time.Hour)
	require.Equal(t, 2, hosts.Len())

	hosts.Silence("b") // as if it had crashed
	hosts.Advance(3 * time.Minute)
	_, there := hosts.Get("b")
	require.False(t, there)
	require.Equal(t, 1, hosts.Len())
}

func TestARestartWhoseCleanupFailsFirst(t *testing.T) {
	freed := make(chan uint64, 1)
	hosts := hosttest.Run(t, hostmgr.Config[string]{
		Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
			if d.Attempt == 1 {
				return errors.New("database is down")
			}
			freed <- d.Host.Registration
			return nil
		},
	})
	former, err := hosts.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 1})
	require.NoError(t, err)
	_, err = hosts.Announce(hostmgr.Announcement[string]{ID: "a", Incarnation: 2}) // a new process
	require.NoError(t, err)
	_, err = hosts.Heartbeat("a", 1) // of the former process, delayed
	require.ErrorIs(t, err, hostmgr.ErrStale)

	hosts.Advance(time.Second) // the second try comes 100 ms after the first one
	require.Equal(t, former.Registration, <-freed)
	require.Equal(t, 1, hosts.Len(), "the new process stays registered")
}
