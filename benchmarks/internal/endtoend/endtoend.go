// Package endtoend measures how many contacts a second the example scheduler
// takes over loopback gRPC, and how much of its processor time the registry has in
// that. Scheduler and peer are real processes, each with its own heap and collector.
package endtoend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// A plan says what the peer does.
type plan struct {
	Hosts   int           // that it stands for
	Workers int           // announces in flight
	Conns   int           // connections that they share
	Flood   time.Duration // how long they are counted
}

// limit is how long all may take besides the flood.
const limit = time.Minute

// Measure has one peer process with 10,000 hosts announce them for ten seconds, as
// quickly as answers come. The shares of the registry are of all processor time of
// the scheduler, from its start on; what the registry has the garbage collector do
// is not in them.
func Measure(ctx context.Context, log io.Writer) ([]report.Row, error) {
	rows, err := measure(ctx, plan{Hosts: 10_000, Workers: 128, Conns: 4, Flood: 10 * time.Second}, build, log)
	if err != nil {
		return nil, fmt.Errorf("endtoend: %w", err)
	}
	return rows, nil
}

// A builder puts the scheduler into a folder, and returns the name of its file.
type builder func(ctx context.Context, dir string) (exe string, err error)

func measure(ctx context.Context, p plan, build builder, log io.Writer) (rows []report.Row, err error) {
	log = &lines{w: log}
	dir, err := os.MkdirTemp("", "hostlife-endtoend-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	_, _ = fmt.Fprintln(log, "endtoend: building the scheduler")
	exe, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}

	// Linux kills our children when the thread ends that started them: it must not
	// end before we do.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, p.Flood+limit)
	defer cancel()
	profile := filepath.Join(dir, "cpu.pprof")
	count, err := play(ctx, p, exe, profile, log)
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(log, "endtoend: %d announces were answered, %d failed, in %.1f s\n", count.OK, count.Failed, count.Seconds)
	rows = []report.Row{{Measure: "grpc_beats", Peer: "scheduler", Value: float64(count.OK) / count.Seconds, Unit: "1/s"}}
	shares, err := shareRows(profile, log)
	return append(rows, shares...), err
}

// play floods a scheduler, and stops it.
func play(ctx context.Context, p plan, exe, profile string, log io.Writer) (c count, err error) {
	s, err := startScheduler(ctx, exe, profile, log)
	if err != nil {
		return c, err
	}
	c, err = runPeer(ctx, p, s.addr, log)
	if stopped := s.stop(); err == nil {
		err = stopped
	}
	return c, err
}

// lines is a writer that two processes and we may write to.
type lines struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
