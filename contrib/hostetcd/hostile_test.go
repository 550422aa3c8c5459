package hostetcd_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/contrib/hostetcd"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func TestConfigIsChecked(t *testing.T) {
	_, err := hostetcd.New(hostetcd.Config{})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
	_, err = hostetcd.New(hostetcd.Config{Client: clientOf(t, clientv3.Config{Endpoints: []string{"127.0.0.1:1"}}), Namespace: string(make([]byte, 257))})
	require.ErrorIs(t, err, hostmgr.ErrInvalid)
}

// Something between a Store and its server may send a transaction twice. Its own write is no reason
// to refuse it.
func TestAPutThatIsSentTwice(t *testing.T) {
	t.Parallel()
	store := storeOf(t, start(t, 1).client())
	a, b := create("a"), create("b")
	update := share.Write{Key: "a", Expect: a.Version, Version: versionOf()}
	gone := share.Write{Key: "b", Expect: b.Version, Version: versionOf(), Delete: true}
	for _, batch := range [][]share.Write{{a, b}, {update}, {gone}} {
		require.NoError(t, store.Put(t.Context(), batch))
		require.NoError(t, store.Put(t.Context(), batch), "again")
	}
	require.ErrorIs(t, store.Put(t.Context(), []share.Write{a, b}), share.ErrVersion, "it was written, and replaced")
	require.NoError(t, store.Put(t.Context(), []share.Write{create("c")}))
	require.NoError(t, store.Put(t.Context(), []share.Write{update}), "after another batch")
}

// feedOnce returns the records of a snapshot, and the error of Feed.
func feedOnce(ctx context.Context, store share.Store) (records map[string]uint64, err error) {
	records = map[string]uint64{}
	err = store.Feed(ctx, share.Position{}, func(f share.Frame) bool {
		for _, r := range f.Snapshot {
			records[r.Key] = r.Version
		}
		return !f.Synced
	})
	return records, err
}

// Something writes below the namespace that is not a Store. Feeds end, and the next ones show all
// that can be read.
func TestHostileWrites(t *testing.T) {
	t.Parallel()
	client := start(t, 1).client()
	for name, write := range map[string]func(ctx context.Context, ns, key string) error{
		"a malformed record": func(ctx context.Context, ns, key string) error { return put(ctx, client, ns+"/r/"+key, "x") },
		"a record of its own": func(ctx context.Context, ns, key string) error {
			return put(ctx, client, ns+"/r/"+key, "\x01\x01\x01\x01\x01\x01\x01\x01\x01")
		},
		"a deletion": func(ctx context.Context, ns, key string) error { return remove(ctx, client, ns+"/r/there") },
		"the latest change": func(ctx context.Context, ns, key string) error {
			return put(ctx, client, ns+"/last", "\x01\x01\x01\x01\x01\x01\x01\x01\x01")
		},
		"no latest change":   func(ctx context.Context, ns, key string) error { return remove(ctx, client, ns+"/last") },
		"a malformed latest": func(ctx context.Context, ns, key string) error { return put(ctx, client, ns+"/last", "\x01") },
		"no epoch":           func(ctx context.Context, ns, key string) error { return remove(ctx, client, ns+"/epoch") },
	} {
		t.Run(name, func(t *testing.T) {
			ns := t.Name()
			store := storeIn(t, client, ns)
			there := create("there")
			require.NoError(t, store.Put(t.Context(), []share.Write{there}))
			f := follow(t.Context(), store)
			<-f.synced
			require.NoError(t, write(t.Context(), ns, "foreign"))
			select {
			case err := <-f.ended:
				require.ErrorIs(t, err, share.ErrGap)
			case <-time.After(longWait):
				t.Fatal("the feed goes on")
			}
			next := create("next")
			require.NoError(t, store.Put(t.Context(), []share.Write{next}))
			records, err := feedOnce(t.Context(), store)
			require.NoError(t, err)
			require.Equal(t, next.Version, records["next"])
			if name == "a malformed record" {
				require.NotContains(t, records, "foreign")
				require.NoError(t, store.Put(t.Context(), []share.Write{create("foreign")}), "it is replaced")
			}
		})
	}
	t.Run("a key that is none of the table", func(t *testing.T) {
		store := storeIn(t, client, t.Name())
		f := follow(t.Context(), store)
		<-f.synced
		require.NoError(t, put(t.Context(), client, t.Name()+"/other", "x"))
		next := create("next")
		require.NoError(t, store.Put(t.Context(), []share.Write{next}))
		f.waitFor(t, next.Version)
	})
}

func put(ctx context.Context, client *clientv3.Client, key, value string) error {
	_, err := client.Put(ctx, key, value)
	return err
}

func remove(ctx context.Context, client *clientv3.Client, key string) error {
	_, err := client.Delete(ctx, key)
	return err
}
