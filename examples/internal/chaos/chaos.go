// Package chaos runs schedulers that share their hosts as real processes, breaks them and their
// engine, and has what they wrote down checked by package verify.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/peerd"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

var (
	errBreach = errors.New("a promise was broken")
	errLinux  = errors.New("this needs Linux: signals that stop processes, and one CLOCK_MONOTONIC for all of them")
)

// Command returns the command. Its first argument may name a role: so it starts itself as
// schedulers, which open their table with stores, and as hosts.
func Command(stores schedulerd.Stores) cli.Command {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		if len(args) > 0 {
			switch args[0] {
			case "scheduler":
				cli.EndWithStdin()
				return schedulerd.Command(stores)(ctx, args[1:], stdout, stderr)
			case "peer":
				cli.EndWithStdin()
				return peerd.Main(ctx, args[1:], stdout, stderr)
			}
		}
		cfg, err := parse(args, stdout)
		switch {
		case err != nil:
			return err
		case cfg.Check != "":
			return check(cfg, stdout)
		case !supported:
			return errLinux
		}
		return run(ctx, cfg, stdout)
	}
}

func (c Config) limits() verify.Limits {
	return verify.Limits{Timeout: c.timeout(), Lapse: c.Lapse, Slack: c.Slack}
}

// check checks the histories of a round that was kept.
func check(cfg Config, stdout io.Writer) error {
	r, err := verifyFolder(cfg.Check, cfg.limits())
	if err != nil {
		return err
	}
	t := tally{Scenario: filepath.Base(cfg.Check)}
	t.add(r, "")
	return report(stdout, []tally{t}, cfg.JSON)
}

// verifyFolder checks the histories in a folder.
func verifyFolder(dir string, limits verify.Limits) (*verify.Report, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no histories in %s", dir)
	}
	var files []verify.File
	for _, name := range names {
		entries, err := history.Read(name)
		if err != nil {
			return nil, err
		}
		files = append(files, verify.File{Name: filepath.Base(name), Entries: entries})
	}
	return verify.Check(files, limits), nil
}

// suffix is that of the names of histories.
const suffix = ".jsonl"

// run plays all rounds.
func run(ctx context.Context, cfg Config, stdout io.Writer) error {
	folder := cfg.Keep
	if folder == "" {
		dir, err := os.MkdirTemp("", "hostlife-chaos-")
		if err != nil {
			return err
		}
		folder = dir
		defer func() { _ = os.Remove(dir) }() // if nothing was kept
	}
	rs := &rounds{cfg: cfg, folder: folder, stdout: stdout, tallies: make([]tally, len(cfg.Scenarios))}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cfg.Parallel)
	for i, s := range cfg.Scenarios {
		rs.tallies[i].Scenario = s.name
		for n := range cfg.Rounds {
			g.Go(func() error { return rs.play(ctx, i, cfg.Seed+uint64(n)) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return report(stdout, rs.tallies, cfg.JSON)
}

// rounds are all rounds of a run.
type rounds struct {
	cfg    Config
	folder string // for their histories
	stdout io.Writer

	mu      sync.Mutex // guards all below, and stdout
	tallies []tally
}

var errInterrupted = errors.New("interrupted")

// play plays one round of the scenario with this index, and adds it to the tally.
func (rs *rounds) play(ctx context.Context, scenario int, seed uint64) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	s, began := rs.cfg.Scenarios[scenario], time.Now()
	dir := filepath.Join(rs.folder, fmt.Sprintf("%s-%d", s.name, seed))
	r, err := play(ctx, rs.cfg, s, seed, dir)
	if ctx.Err() != nil {
		return errors.Join(errInterrupted, os.RemoveAll(dir))
	}
	if err != nil {
		r = &verify.Report{Gaps: []string{fmt.Sprintf("it could not be played: %v", err)}}
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.tallies[scenario].played(rs.stdout, r, seed, time.Since(began), dir)
	return nil
}

// played adds a round, and prints a line about it. The folder stays if there is a breach.
func (t *tally) played(stdout io.Writer, r *verify.Report, seed uint64, took time.Duration, dir string) {
	breaches := t.add(r, dir)
	verdict := "ok"
	if len(breaches) > 0 {
		verdict = "BREACH, see " + dir
	} else {
		_ = os.RemoveAll(dir)
	}
	_, _ = fmt.Fprintf(stdout, "%-20s seed %-5d %5.1fs  %d contacts, %d evictions, %d handed over, %d excused, latest after %s  %s\n",
		t.Scenario, seed, took.Seconds(), r.Contacts, r.Evictions, r.HandedOver, r.Excused, r.Latest.Round(time.Millisecond), verdict)
	for i, b := range breaches {
		if i == 10 {
			_, _ = fmt.Fprintf(stdout, "    and %d more\n", len(breaches)-i)
			break
		}
		_, _ = fmt.Fprintf(stdout, "    %s\n", b)
	}
}
