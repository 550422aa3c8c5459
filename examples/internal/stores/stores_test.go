package stores_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/examples/internal/stores"
	"github.com/hostlife/hostlife/hostmgr/share"
)

func TestOpenRefusesOtherURLs(t *testing.T) {
	for _, url := range []string{"", "redis", "http://127.0.0.1", "memory://", "etcd://", "etcd://a:1,,b:2", "etcd://user@a:1", "redis://127.0.0.1?no=such", "redis://127.0.0.1/x"} {
		_, _, err := stores.Engines{}.Open(schedulerd.Table{URL: url, Namespace: "hostlife"})
		require.ErrorIs(t, err, cli.ErrUsage, "%q", url)
	}
	_, _, err := stores.Engines{}.Open(schedulerd.Table{URL: "http://user:secret@127.0.0.1"})
	require.NotContains(t, err.Error(), "secret")
}

// Open does not wait for an engine that is not there.
func TestOpenDoesNotConnect(t *testing.T) {
	for _, url := range []string{"redis://127.0.0.1:1", "rediss://user:secret@127.0.0.1:1/2", "etcd://127.0.0.1:1,127.0.0.1:2"} {
		begun := time.Now()
		store, closeStore, err := stores.Engines{}.Open(schedulerd.Table{URL: url, Namespace: "hostlife", Lapse: 5 * time.Second})
		require.NoError(t, err, url)
		require.NotNil(t, store)
		require.NoError(t, closeStore())
		require.Less(t, time.Since(begun), time.Second)
	}
}

// Clear deletes one table, and no key of another one.
func TestClearDeletesOneTable(t *testing.T) {
	server := miniredis.RunT(t)
	table := schedulerd.Table{URL: "redis://" + server.Addr(), Namespace: "trial", Lapse: 5 * time.Second}
	other := table
	other.Namespace = "trial-2"
	for _, tb := range []schedulerd.Table{table, other} {
		store, closeStore, err := stores.Engines{}.Open(tb)
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), []share.Write{{Key: "h/a", Version: 7, Value: []byte("x")}}))
		require.NoError(t, closeStore())
	}
	all := len(server.Keys())
	require.NoError(t, stores.Engines{}.Clear(context.Background(), table))
	require.Len(t, server.Keys(), all/2)
	for _, key := range server.Keys() {
		require.Contains(t, key, "{trial-2}")
	}
}
