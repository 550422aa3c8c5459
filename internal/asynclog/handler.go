package asynclog

import (
	"context"
	"log/slog"
	"slices"
)

// A handler puts lines into a queue.
type handler struct {
	log     *Log
	subject string
	with    []derivation
}

// Enabled takes all levels. The handler decides when the line is written.
func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	x := line{ctx: ctx, record: r.Clone(), with: h.with}
	if h.log.add(kind{h.subject, r.Message}, x, h.log.now()) {
		h.log.wake()
	}
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.derived(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h handler) WithGroup(name string) slog.Handler {
	return h.derived(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h handler) derived(d derivation) slog.Handler {
	h.with = append(slices.Clip(h.with), d)
	return h
}
