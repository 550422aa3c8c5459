package hostredis_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
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

// A connection ends by itself at the deadline of a context. That is the end of the context: the
// caller of a Store has set no other time limit.
func TestATimeoutAtTheDeadlineIsTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	address := newMiniredis(t).Addr()
	s := open(t, redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1}))
	ctx := lateContext{t.Context(), time.Now().Add(-time.Millisecond)}
	require.ErrorIs(t, s.Feed(ctx, share.Position{}, func(share.Frame) bool { return true }), context.DeadlineExceeded)
	require.ErrorIs(t, s.Put(ctx, []share.Write{set("a", 0, "")}), context.DeadlineExceeded)

	proxy := newProxy(t, address)
	s = open(t, redis.NewClient(&redis.Options{Addr: proxy.addr(), ContextTimeoutEnabled: true}))
	require.NoError(t, s.Put(t.Context(), []share.Write{set("b", 0, "")}))
	proxy.hangs.Store(true)
	ctx.deadline = time.Now().Add(20 * time.Millisecond)
	require.ErrorIs(t, s.Put(ctx, []share.Write{set("c", 0, "")}), context.DeadlineExceeded)
	proxy.hangs.Store(false)
	ctx.deadline = time.Now().Add(20 * time.Millisecond)
	require.ErrorIs(t, s.Feed(ctx, share.Position{}, func(f share.Frame) bool {
		proxy.hangs.Store(f.Synced)
		return true
	}), context.DeadlineExceeded)
}
