package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/hostmgr"
)

// Half of the workers die, each with a task. The others do each task once.
func TestEachTaskIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := clitest.Start(t, run)
		time.Sleep(10 * time.Second)
		require.NoError(t, p.Interrupt())
		output, _ := p.Output()
		for task := range 100 {
			require.Equal(t, 1, strings.Count(output, fmt.Sprintf(" has done task %d\n", task)), task)
		}
		require.Contains(t, output, "end: hosts registered: 4, departed: 4, cleanups pending: 0")
	})
}

func newPool(t *testing.T, tasks int) *pool {
	t.Helper()
	p := &pool{queue: make(chan int, tasks), out: io.Discard}
	var err error
	p.hosts, err = hostmgr.New(hostmgr.Config[struct{}]{Cleanup: p.cleanup})
	require.NoError(t, err)
	for task := range tasks {
		p.queue <- task
	}
	return p
}

// Workers that die take tasks while they are evicted. Either a worker does not get its task, or its
// cleanup puts the task back.
func TestNoTaskIsLost(t *testing.T) {
	const tasks = 8
	p := newPool(t, tasks)
	for range 1000 {
		var workers sync.WaitGroup
		for n := range 4 {
			id := fmt.Sprint(n)
			workers.Go(func() { _ = p.work(t.Context(), id, true) })
			workers.Go(func() {
				for p.hosts.Evict(t.Context(), id, 0, "a test") != nil {
					runtime.Gosched() // it has not joined yet
				}
			})
		}
		workers.Wait()
		for h := range p.hosts.All() { // a worker that joined again
			require.NoError(t, p.hosts.Evict(t.Context(), h.ID, 0, "a test"))
		}
		require.NoError(t, p.hosts.Drain(t.Context()))
		require.Len(t, p.queue, tasks)
	}
}

// lines counts lines.
type lines struct{ atomic.Int64 }

func (n *lines) Write(line []byte) (int, error) {
	n.Add(1)
	return len(line), nil
}

// A worker that is evicted during a task is alive after all. What it finishes late does not count,
// because the task is in the queue. It joins again, and does the task then.
func TestLateWorkDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, 1)
		var done lines
		p.out = &done
		ctx, stop := context.WithCancel(t.Context())
		var worker sync.WaitGroup
		worker.Go(func() { _ = p.work(ctx, "w", false) })
		synctest.Wait()
		require.NoError(t, p.hosts.Evict(ctx, "w", 0, "a test"))
		require.Len(t, p.queue, 1)
		time.Sleep(time.Second / 10)
		synctest.Wait()
		require.Zero(t, done.Load())
		time.Sleep(time.Second / 10)
		stop()
		worker.Wait()
		require.EqualValues(t, 1, done.Load())
	})
}
