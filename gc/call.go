package gc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// A result is what became of a call of Task.Run.
type result struct {
	err      error
	panicked bool   // or exited its goroutine
	stack    []byte // of the panic
}

var errGoexit = fmt.Errorf("%w: it called runtime.Goexit", ErrPanic)

// call calls Task.Run and sends the result, also when that panics or ends the goroutine.
func call(f *flight, returned chan<- result) {
	r := result{err: errGoexit, panicked: true} // it stays if Run ends the goroutine
	defer func() {
		if v := recover(); v != nil {
			r = result{panicError(v), true, debug.Stack()}
		}
		returned <- r
	}()
	r = result{err: f.task.Run(f.ctx)}
}

func panicError(v any) error {
	if err, ok := v.(error); ok {
		return fmt.Errorf("%w: %w", ErrPanic, err)
	}
	return fmt.Errorf("%w: %v", ErrPanic, v)
}

// explained adds to a run's error why its context ended, if it did.
func explained(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case err == nil || cause == nil || errors.Is(err, cause):
		return err
	case err == ctx.Err(): //nolint:errorlint // only the bare error adds nothing to the cause
		return cause
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// An ending is the way in which a run ended.
type ending int

const (
	succeeded ending = iota
	failed
	canceled
	panicked
)

// endingOf tells a run that failed from one that stopped because it was told to, other than by its
// timeout.
func endingOf(f *flight, r result) ending {
	told := f.ctx.Err() != nil && !f.timedOut
	switch {
	case r.panicked:
		return panicked
	case r.err == nil:
		return succeeded
	case told && (errors.Is(r.err, f.ctx.Err()) || errors.Is(r.err, context.Cause(f.ctx))):
		return canceled
	}
	return failed
}

func (e ending) String() string {
	return [...]string{"succeeded", "failed", "canceled", "panicked"}[e]
}

func (e ending) level() slog.Level {
	if e == canceled {
		return slog.LevelDebug
	}
	return slog.LevelError
}
