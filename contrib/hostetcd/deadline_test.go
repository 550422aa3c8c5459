package hostetcd_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// A lateContext has a deadline that passes before the context has an error, as each context does for
// a moment.
type lateContext struct {
	context.Context
	deadline time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

// A call ends by itself at the deadline of a context. That is the end of the context: the caller of
// a Store has set no other time limit.
func TestATimeoutAtTheDeadlineIsTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	store := storeOf(t, start(t, 1).client())
	ctx := lateContext{t.Context(), time.Now().Add(-time.Millisecond)}
	require.ErrorIs(t, store.Feed(ctx, share.Position{}, func(share.Frame) bool { return true }), context.DeadlineExceeded)
	a := create("a")
	require.ErrorIs(t, store.Put(ctx, []share.Write{a}), context.DeadlineExceeded)
	require.NoError(t, store.Put(t.Context(), []share.Write{a}))
	update := share.Write{Key: "a", Expect: a.Version, Version: versionOf()}
	require.ErrorIs(t, store.Put(ctx, []share.Write{update}), context.DeadlineExceeded)
}
