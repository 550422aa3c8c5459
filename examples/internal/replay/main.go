// Package replay is the command replay: it plays a real trace of outages against policies.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/hostmgr"
)

// Main is the command.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	stderr, flush := cli.Aside(stderr) // which may be a pipe that is not read
	defer flush()
	c, err := parse(args, stdout)
	if err != nil {
		return err
	}
	t, err := c.load(ctx, stderr)
	if err != nil {
		return err
	}
	if c.generate != "" {
		defer watch(stderr, func() string { return "writing " + outage.Printable(c.generate) })()
		return write(ctx, c.generate, t.WriteFTA)
	}
	if c.interval == 0 {
		c.interval = orElse(t.Interval, hostmgr.DefaultInterval)
	}
	if err := c.choose(t); err != nil {
		return err
	}
	c.warmUp(t)
	played, err := c.play(ctx, t, stderr)
	if err != nil {
		return err
	}
	return c.report(ctx, stdout, stderr, t, played)
}

// load reads the trace, or generates one.
func (c *config) load(ctx context.Context, stderr io.Writer) (*outage.Trace, error) {
	if c.trace == "" {
		return c.generated(ctx, stderr)
	}
	t, rows, err := c.read(ctx, stderr)
	if err != nil {
		return nil, err
	}
	complain(stderr, t)
	if len(t.Nodes) == 0 {
		return nil, fmt.Errorf("%s: there is no node in this trace, read as %s: %d rows, %d of them skipped; is it of another -format?",
			outage.Printable(c.trace), c.format.Name, rows, t.Notes.Skipped())
	}
	return t.Unrounded(c.seed).First(c.nodes, c.span()), nil
}

func (c *config) generated(ctx context.Context, stderr io.Writer) (*outage.Trace, error) {
	defer watch(stderr, func() string { return "generating a trace" })()
	t, err := c.model().GenerateUntil(ctx)
	if err != nil || c.generate != "" {
		return t, err
	}
	return t.Unrounded(c.seed), nil
}

// read reads the trace, and returns how many rows it has. It sets the format if that is guessed.
func (c *config) read(ctx context.Context, stderr io.Writer) (t *outage.Trace, rows int64, err error) {
	f, err := open(ctx, c.trace, os.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	name := outage.Printable(c.trace)
	s := outage.Source{Name: c.trace, Format: c.format}
	defer watch(stderr, func() string { return fmt.Sprintf("reading %s: %d lines", name, s.Lines.Load()) })()
	t, err = s.Read(ctx, f)
	if errors.Is(err, outage.ErrFormat) {
		return nil, 0, fmt.Errorf("%s: %w; -format names it: %s", name, err, formatNames())
	}
	if err != nil {
		return nil, 0, err
	}
	c.format = s.Format
	if info, err := f.Stat(); err != nil || c.isLog() && !info.Mode().IsRegular() {
		return nil, 0, cli.Usagef("%s: a flight recorder's log is read once for each policy, so it must be a regular file", name)
	}
	return t, s.Lines.Load(), nil
}

// complain shows the first rows of each kind of error.
func complain(stderr io.Writer, t *outage.Trace) {
	for i, s := range t.Samples {
		_, _ = fmt.Fprintf(stderr, "replay: %v\n", s)
		last := i+1 == len(t.Samples) || t.Samples[i+1].Kind != s.Kind
		if rest := t.Notes[s.Kind] - outage.SamplesEach; last && rest > 0 {
			_, _ = fmt.Fprintf(stderr, "replay: %v: %d more\n", s.Kind, rest)
		}
	}
	if t.Notes[outage.CutOff] > 0 {
		_, _ = fmt.Fprintln(stderr, "replay: the rest of the file is not used")
	}
}

func orElse[T comparable](v, otherwise T) T {
	if v == *new(T) {
		return otherwise
	}
	return v
}

// report prints the results. The JSON is the last line of stdout.
func (c *config) report(ctx context.Context, stdout, stderr io.Writer, t *outage.Trace, all []played) error {
	chosen := all[:len(c.policies)]
	var a *advice
	if c.recommend {
		a = c.advise(all)
	}
	_, _ = fmt.Fprintln(stdout, c.summary(t))
	table(stdout, a.rows(chosen), a)
	if c.isLog() {
		if err := c.judge(ctx, stdout, stderr, chosen); err != nil {
			return err
		}
	}
	if c.recommend {
		_, _ = fmt.Fprintln(stdout, a)
	}
	if c.plot != "" {
		if err := c.draw(ctx, c.summary(t), all, a); err != nil {
			return err
		}
	}
	if c.json {
		return writeJSON(stdout, t, a.rows(chosen), a)
	}
	return nil
}
