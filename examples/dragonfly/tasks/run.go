package tasks

import (
	"context"
	"errors"

	pkggc "d7y.io/dragonfly/v2/pkg/gc"
)

// run does one run of a task, with the lines in the log that Dragonfly writes.
func (t *Tasks) run(ctx context.Context, id string) error {
	t.log.Infof("%s GC start", id)
	untimed := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.log.Infof("%s GC timeout", id)
		}
	})
	defer t.logPanic(id)
	current, _ := t.current.Load(id)
	err := current.(pkggc.Task).Runner.RunGC(t.contextOf(ctx))
	if err != nil {
		t.log.Errorf("%s GC error: %v", id, err)
	}
	if untimed() {
		t.log.Infof("%s GC done", id)
	}
	return err
}

// logPanic logs a panic, and passes it on to the GC, which counts it and goes on.
func (t *Tasks) logPanic(id string) {
	if cause := recover(); cause != nil {
		t.log.Errorf("%s GC panic: %v", id, cause)
		panic(cause)
	}
}

type callerKey struct{}

// withCaller returns ctx with the context of the caller in it.
func withCaller(ctx, caller context.Context) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// contextOf returns the context that the Runner gets.
func (t *Tasks) contextOf(ctx context.Context) context.Context {
	caller := ctx.Value(callerKey{}).(context.Context)
	if !t.endAt {
		return caller
	}
	return withValues{ctx, caller}
}

// withValues is a context with the values of another one too.
type withValues struct {
	context.Context
	values context.Context
}

func (w withValues) Value(key any) any {
	if value := w.Context.Value(key); value != nil {
		return value
	}
	return w.values.Value(key)
}

// check returns the error that Dragonfly returns for a task.
func check(task pkggc.Task) error {
	switch {
	case task.ID == "":
		return errors.New("empty ID is not specified")
	case task.Interval <= 0:
		return errors.New("Interval value is greater than 0")
	case task.Timeout <= 0:
		return errors.New("Timeout value is greater than 0")
	case task.Timeout > task.Interval:
		return errors.New("Timeout value needs to be less than the Interval value")
	case task.Runner == nil:
		return errors.New("empty Runner is not specified")
	}
	return nil
}
