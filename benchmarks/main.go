// Command benchmarks compares hostlife with what a Go developer would use instead:
// the same work, in one process, taking turns. Try --help.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/hostlife/hostlife/benchmarks/internal/endtoend"
	"github.com/hostlife/hostlife/benchmarks/internal/growth"
	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

func main() {
	endtoend.PeerMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // the second interrupt ends it at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	progress := report.NewProgress(stderr)
	rows, err := measured(ctx, cfg, progress)
	progress.Close()
	return errors.Join(err, show(stdout, cfg, rows))
}

// measured is whatever was measured, even if something failed.
func measured(ctx context.Context, cfg config, progress *report.Progress) ([]report.Row, error) {
	if cfg.plot != "" {
		return growth.Plot(ctx, cfg.plot, cfg.options, progress)
	}
	rows, err := measure.Run(ctx, cfg.options, progress)
	for _, x := range cfg.extras {
		if ctx.Err() != nil {
			break
		}
		progress.Step("%s", x.about)
		more, failed := x.run(ctx, cfg.options.N, progress)
		rows, err = append(rows, more...), errors.Join(err, failed)
	}
	return rows, err
}

func show(w io.Writer, cfg config, rows []report.Row) error {
	for _, t := range tables() {
		if err := t.Print(w, rows); err != nil {
			return err
		}
	}
	if !cfg.json {
		return nil
	}
	return json.NewEncoder(w).Encode(struct {
		N    int          `json:"n"`
		Rows []report.Row `json:"rows"`
	}{cfg.options.N, rows})
}
