package peerd

import (
	"context"
	"log/slog"
	"time"
)

// warn logs a failure of an announce, or of what follows from it, but at most one every 5 s; with
// -v all.
func (c *contact) warn(err error) {
	if n := c.warnings.Due(time.Now()); n > 0 || c.cfg.Verbose {
		c.log.Warn("announce failed", "host", c.id, "scheduler", c.line.addr, "failures", n, "err", err)
	}
}

// severe passes on only errors, because thousands of hosts would log too much.
type severe struct{ slog.Handler }

func (severe) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (s severe) WithAttrs(as []slog.Attr) slog.Handler { return severe{s.Handler.WithAttrs(as)} }

func (s severe) WithGroup(name string) slog.Handler { return severe{s.Handler.WithGroup(name)} }
