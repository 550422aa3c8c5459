package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

// A process ends while a cleanup fails. The next one knows the host, and does the cleanup.
func TestTheNextProcessTakesOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts.json")
	var freed []string
	registry := func(fail error) *hostmgr.Registry[string] {
		hosts, err := hostmgr.New(hostmgr.Config[string]{
			Clock: clock.NewMock(), // no time passes, so that a cleanup is tried once
			Cleanup: func(_ context.Context, d hostmgr.Departure[string]) error {
				if fail == nil {
					freed = append(freed, d.Host.Metadata)
				}
				return fail
			},
		})
		require.NoError(t, err)
		return hosts
	}

	first := registry(errors.New("database is down"))
	for _, id := range []string{"a", "b"} {
		_, err := first.Announce(hostmgr.Announcement[string]{ID: id, Metadata: "rows of " + id})
		require.NoError(t, err)
	}
	require.ErrorIs(t, first.Leave(t.Context(), "a", 0), hostmgr.ErrCleanupPending)
	require.NoError(t, save(file, first))

	second := registry(nil)
	ended, end := context.WithCancel(t.Context())
	end()
	require.NoError(t, run(ended, second, &http.Server{Addr: "127.0.0.1:0"}, file))
	require.Equal(t, []string{"rows of a"}, freed)
	b, there := second.Get("b")
	require.True(t, there)
	require.Equal(t, "rows of b", b.Metadata)
	require.Zero(t, second.Stats().Cleanup.Pending)

	third := registry(nil)
	require.NoError(t, load(file, third))
	require.Equal(t, 1, third.Len())
	require.Zero(t, third.Stats().Cleanup.Pending)
	require.NoFileExists(t, file, "a process that is killed leaves no hosts of an earlier one")
}

// When a cleanup hangs, a supervisor may kill the process. So all is saved before any cleanup ends.
func TestItIsSavedBeforeTheCleanupsEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts.json")
	ctx, end := context.WithCancel(t.Context())
	started, proceed := make(chan struct{}, 1), make(chan struct{})
	hosts, err := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error {
			started <- struct{}{}
			<-proceed
			return nil
		},
	})
	require.NoError(t, err)
	_, err = hosts.Announce(hostmgr.Announcement[string]{ID: "a"})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, hosts, &http.Server{Addr: "127.0.0.1:0"}, file) }()
	go func() { _ = hosts.Leave(t.Context(), "a", 0) }()
	<-started
	end()

	next, err := hostmgr.New(hostmgr.Config[string]{
		Cleanup: func(context.Context, hostmgr.Departure[string]) error { return nil },
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, missing := os.Stat(file)
		return missing == nil
	}, time.Minute, time.Millisecond)
	require.NoError(t, load(file, next))
	require.Equal(t, 1, next.Stats().Cleanup.Pending)
	close(proceed)
	require.NoError(t, <-ended)
}

func TestTheFirstStartHasNoFile(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	require.NoError(t, load(filepath.Join(t.TempDir(), "hosts.json"), hosts))
	require.Zero(t, hosts.Len())
}

func TestAServerThatCannotListen(t *testing.T) {
	hosts, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "hosts.json")
	require.Error(t, run(t.Context(), hosts, &http.Server{Addr: "127.0.0.1:-1"}, file))
	require.FileExists(t, file, "it is saved nevertheless")
}
