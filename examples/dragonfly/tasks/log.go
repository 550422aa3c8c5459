package tasks

import (
	"context"
	"log/slog"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"
)

// drops logs the ticks that package gc drops while a run is in flight: the 1st, 2nd, 4th and 8th of
// a run, and so on. It leaves out the other lines of package gc, because run has Dragonfly's.
type drops struct{ log pkggc.Logger }

func (drops) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelWarn }

func (d drops) Handle(_ context.Context, line slog.Record) error {
	values := map[string]slog.Value{}
	line.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value
		return true
	})
	if dropped, ok := values["dropped"]; ok {
		d.log.Errorf("%s GC still running after %s, ticks dropped: %s", values["task"], values["for"], dropped)
	}
	return nil
}

func (d drops) WithAttrs([]slog.Attr) slog.Handler { return d }
func (d drops) WithGroup(string) slog.Handler      { return d }

// discard is a Logger that logs nothing.
type discard struct{}

func (discard) Infof(string, ...any)  {}
func (discard) Errorf(string, ...any) {}
