package main

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func TestEachTaskIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-workers", "8", "-tasks", "1000"}, &out, nil))
		require.Contains(t, out.String(), "1000 of 1000 tasks are done")
		require.Contains(t, out.String(), "evicted, tasks back in the queue: ")
	})
}

// The pool ends early, and says what is left.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		require.NoError(t, run(ctx, []string{"-workers", "0", "-tasks", "3"}, &out, nil))
		require.Equal(t, "0 of 3 tasks are done\n", out.String())
		require.Less(t, time.Since(begun), 2*time.Second)
	})
}

// Tasks are given to a worker that is evicted again and again. Either the worker does not get a
// task, or its cleanup takes it back.
func TestNoTaskIsLost(t *testing.T) {
	const tasks = 16
	p, err := newPool(tasks, io.Discard)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var givers sync.WaitGroup
	for range 4 {
		givers.Go(func() {
			for ctx.Err() == nil {
				select {
				case task := <-p.queue:
					if !p.give(task) {
						p.queue <- task
					}
				default:
				}
			}
		})
	}
	for range 3000 {
		_, err = p.hosts.Announce(hostmgr.Announcement[chan job]{ID: "w", Metadata: make(chan job, tasks)})
		require.NoError(t, err)
		require.NoError(t, p.hosts.Evict(ctx, "w", 0, "a test"))
	}
	stop()
	givers.Wait()
	require.NoError(t, p.hosts.Drain(t.Context()))
	require.Len(t, p.queue, tasks)
}

// A worker that was silent is not dead. What it finishes late is not done twice.
func TestTaskIsDoneOnce(t *testing.T) {
	p, err := newPool(1, io.Discard)
	require.NoError(t, err)
	inbox := make(chan job, 1)
	_, err = p.hosts.Announce(hostmgr.Announcement[chan job]{ID: "w", Metadata: inbox})
	require.NoError(t, err)
	require.True(t, p.give(<-p.queue))
	require.NoError(t, p.hosts.Leave(t.Context(), "w", 0))
	require.Len(t, p.queue, 1)
	p.finish(<-inbox)
	require.Empty(t, p.done)
}
