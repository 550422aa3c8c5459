package gc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// A result says how a call of Task.Run ended.
type result struct {
	how   ending
	err   error  // of Task.Run, with the cause: see explained
	stack []byte // of a panic
}

var errGoexit = fmt.Errorf("%w: it called runtime.Goexit", ErrPanic)

// call calls Task.Run and sends the result, even if Run panics or ends the goroutine. The returned
// error is examined here too, because its methods, such as Is and Unwrap, are the embedder's code
// and may do the same. A nil pointer as an error does.
func call(f *flight, returned chan<- result) {
	r := result{how: panicked, err: errGoexit} // it stays if Run ends the goroutine
	defer func() { returned <- r }()
	defer func() {
		if v := recover(); v != nil {
			r = result{panicked, panicError(f.ctx, v), debug.Stack()}
		}
	}()
	err := f.task.Run(f.ctx)
	r = result{how: endingOf(f, err), err: explained(f.ctx, err)}
}

// panicError makes an error of a panic, with the cause if the run's context has ended. Only package
// fmt calls methods of v, and it survives a panic in them.
func panicError(ctx context.Context, v any) error {
	err, ok := v.(error)
	if ok {
		err = fmt.Errorf("%w: %w", ErrPanic, err)
	} else {
		err = fmt.Errorf("%w: %v", ErrPanic, v)
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// explained adds the cause to the error of a run whose context has ended.
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

// endingOf distinguishes failed runs from cancelled ones. A run that stops because of its timeout
// has failed.
func endingOf(f *flight, err error) ending {
	told := f.ctx.Err() != nil && !f.timedOut.Load()
	switch {
	case err == nil:
		return succeeded
	case told && (errors.Is(err, f.ctx.Err()) || errors.Is(err, context.Cause(f.ctx))):
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
