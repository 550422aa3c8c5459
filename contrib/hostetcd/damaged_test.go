package hostetcd_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
)

// An operator removes or overwrites a key that describes the table. The records stay, and the next
// feed shows them all. It has another epoch, because changes may be missing.
func TestADamagedTableKeepsItsRecords(t *testing.T) {
	t.Parallel()
	client := start(t, 1).client()
	for name, damage := range map[string]func(ctx context.Context, ns string) error{
		"no latest":          func(ctx context.Context, ns string) error { return remove(ctx, client, ns+"/last") },
		"a malformed latest": func(ctx context.Context, ns string) error { return put(ctx, client, ns+"/last", "x") },
		"an empty latest":    func(ctx context.Context, ns string) error { return put(ctx, client, ns+"/last", "") },
		"no epoch":           func(ctx context.Context, ns string) error { return remove(ctx, client, ns+"/epoch") },
		"an empty epoch":     func(ctx context.Context, ns string) error { return put(ctx, client, ns+"/epoch", "") },
		"no latest, no epoch": func(ctx context.Context, ns string) error {
			if err := remove(ctx, client, ns+"/last"); err != nil {
				return err
			}
			return remove(ctx, client, ns+"/epoch")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ns := t.Name()
			store := storeIn(t, client, ns)
			a, b := create("a"), create("b")
			require.NoError(t, store.Put(t.Context(), []share.Write{a, b}))
			before := latest(t, store)
			f := follow(t.Context(), store)
			<-f.synced
			require.NoError(t, damage(t.Context(), ns))
			select {
			case err := <-f.ended:
				require.ErrorIs(t, err, share.ErrGap)
			case <-time.After(longWait):
				t.Fatal("the feed goes on")
			}
			require.True(t, isBack(t, store, before))
			records, err := feedOnce(t.Context(), store)
			require.NoError(t, err)
			require.Equal(t, map[string]uint64{"a": a.Version, "b": b.Version}, records)
			after := latest(t, store)
			require.NotEqual(t, before.Epoch, after.Epoch)
			require.False(t, isBack(t, store, after))

			again := follow(t.Context(), store)
			<-again.synced
			update := share.Write{Key: "a", Expect: a.Version, Version: versionOf()}
			require.NoError(t, store.Put(t.Context(), []share.Write{update}))
			again.waitFor(t, update.Version)
			require.False(t, isBack(t, store, after))
		})
	}
}
