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
	direct  bool
	with    []derivation
}

// Enabled takes all levels. The handler decides when the line is written.
func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	x := line{ctx: ctx, record: r.Clone(), with: h.with}
	if h.add(x) {
		h.log.wake()
	}
	return nil
}

// add returns whether Tick has something to tell that it had not before.
func (h handler) add(x line) (news bool) {
	now := h.log.now()
	if h.direct {
		return h.log.addDirect(x, now)
	}
	return h.log.add(kind{h.subject, x.record.Message}, x, now)
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
