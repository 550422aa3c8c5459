package schedulerd

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const atLast = 3 * time.Second // for the background goroutines when the gRPC server has stopped

// background starts the goroutines other than the gRPC server. From its return on, no status signal
// is lost.
func (s *Server) background() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.runRegistry(ctx) })
	signals, ignore := statusSignals()
	wg.Go(func() { s.onStatus(ctx, signals) })
	if s.history != nil {
		wg.Go(func() { s.writeHistory(ctx) })
		wg.Go(func() { s.history.WatchStalls(ctx) })
	}
	if s.verbose {
		wg.Go(func() { s.watch(ctx) })
	}
	return func() {
		ignore()
		cancel()
		hurry(s.recorder)
		s.wait(&wg)
	}
}

// onStatus shows the status at each signal until ctx ends.
func (s *Server) onStatus(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			if s.history != nil {
				s.writeView()
			}
			s.logStatus()
		case <-ctx.Done():
			return
		}
	}
}

// runRegistry runs the registry together with the member that shares it. Both end with ctx: the
// member tells the others what is left to tell, and says goodbye. Then the cleanups that are owed
// are done.
func (s *Server) runRegistry(ctx context.Context) {
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { err = s.hosts.Run(ctx) })
	wg.Go(func() { s.runMember(ctx) })
	wg.Wait()
	if errors.Is(err, hostmgr.ErrCleanupPending) {
		last, cancel := context.WithTimeout(context.Background(), atLast)
		defer cancel()
		err = s.hosts.Drain(last)
	}
	if err != nil {
		s.log.Error("the registry failed", "err", err)
	}
}

// wait waits for the background goroutines, but not for ones that hang: the process ends soon.
func (s *Server) wait(wg *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(atLast + s.member.goodbye()):
		s.log.Error("stopping took too long: cleanups or records may be lost")
	}
}
