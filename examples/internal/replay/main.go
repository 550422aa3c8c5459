// Package replay is the command replay: it plays a real trace of outages against policies.
package replay

import (
	"context"
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
	c, err := parse(ctx, args, stdout)
	if err != nil {
		return err
	}
	t, err := c.load(ctx, stderr)
	if err != nil {
		return err
	}
	if c.generate != "" {
		return write(ctx, c.generate, t.WriteFTA)
	}
	if len(t.Nodes) == 0 {
		_, _ = fmt.Fprintln(stderr, "replay: there is no node in this trace; is it of another -format?")
	}
	if c.interval == 0 {
		c.interval = orElse(t.Interval, hostmgr.DefaultInterval)
	}
	played, err := c.play(ctx, t, stderr)
	if err != nil {
		return err
	}
	return c.report(ctx, stdout, stderr, t, played)
}

// load reads the trace, or generates one.
func (c *config) load(ctx context.Context, stderr io.Writer) (*outage.Trace, error) {
	if c.trace == "" {
		t, err := c.model().GenerateUntil(ctx)
		if err != nil || c.generate != "" {
			return t, err
		}
		return t.Unrounded(c.seed), nil
	}
	f, err := open(ctx, c.trace, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	s := outage.Source{Format: c.format}
	defer watch(stderr, func() string { return fmt.Sprintf("reading %s: %d lines", outage.Printable(c.trace), s.Lines.Load()) })()
	t, err := s.Read(ctx, f)
	if err != nil {
		return nil, err
	}
	return t.Unrounded(c.seed).First(c.nodes, c.span()), nil
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
	_, _ = fmt.Fprintln(stdout, c.summary(t))
	table(stdout, chosen)
	if c.isLog() {
		if err := c.judge(ctx, stdout, stderr, chosen); err != nil {
			return err
		}
	}
	var named *advice
	if c.recommend {
		named = c.advise(all)
		_, _ = fmt.Fprintln(stdout, named.String())
	}
	if c.plot != "" {
		if err := c.draw(ctx, c.summary(t), all); err != nil {
			return err
		}
	}
	if c.json {
		return writeJSON(stdout, t, chosen, named)
	}
	return nil
}
