package embedded

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"go.uber.org/zap/zapcore"
)

const maxText = 200 // bytes of a text in a line of the log

// usual are warnings that each server logs at its start, and that say nothing about it: tables need
// no second port, and a server without passwords has no tokens.
var usual = []string{
	"Running http and grpc server on single port. This is not recommended for production.",
	"simple token is not cryptographically signed",
}

// A logCore passes the log of etcd on. Its Info, of which there is much, becomes Debug. So does all
// that it logs while it is closed, such as errors about listeners that are closed.
type logCore struct {
	handler slog.Handler
	closing *atomic.Bool
}

func levelOf(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// Enabled implements zapcore.LevelEnabler.
func (c logCore) Enabled(l zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), levelOf(l))
}

// With implements zapcore.Core.
func (c logCore) With(fields []zapcore.Field) zapcore.Core {
	return logCore{c.handler.WithAttrs(attributes(fields)), c.closing}
}

// Check implements zapcore.Core.
func (c logCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.handler.Enabled(context.Background(), c.level(&e)) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c logCore) level(e *zapcore.Entry) slog.Level {
	if e.Level <= zapcore.ErrorLevel && (c.closing.Load() || slices.Contains(usual, e.Message)) {
		return slog.LevelDebug
	}
	return levelOf(e.Level)
}

// Write implements zapcore.Core.
func (c logCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r := slog.NewRecord(e.Time, c.level(&e), "etcd: "+e.Message, 0)
	r.AddAttrs(attributes(fields)...)
	return c.handler.Handle(context.Background(), r)
}

// Sync implements zapcore.Core.
func (logCore) Sync() error { return nil }

func attributes(fields []zapcore.Field) (list []slog.Attr) {
	for i := range fields {
		values := zapcore.NewMapObjectEncoder()
		fields[i].AddTo(values)
		for key, value := range values.Fields {
			list = append(list, slog.Any(key, short(value)))
		}
	}
	return list
}

// short cuts long texts, such as a whole request.
func short(value any) any {
	if s, ok := value.(string); ok && len(s) > maxText {
		return s[:maxText] + "..."
	}
	return value
}
