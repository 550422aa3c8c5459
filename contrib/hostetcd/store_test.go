package hostetcd_test

import (
	"context"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/storetest"
)

func TestOneServer(t *testing.T) {
	t.Parallel()
	client := start(t, 1).client()
	storetest.TestStore(t, func(t *testing.T) share.Store { return storeOf(t, client) })
}

func TestThreeServers(t *testing.T) {
	t.Parallel()
	client := start(t, 3).client()
	storetest.TestStore(t, func(t *testing.T) share.Store { return storeOf(t, client) })
}

// Records change while the pages of a snapshot are read. The pages are of one revision, and the
// changes come later.
func TestPagesAreOfOneRevision(t *testing.T) {
	t.Parallel()
	store := storeOf(t, start(t, 1).client())
	versions := map[string]uint64{}
	for i := range 3 {
		var batch []share.Write
		for k := range share.MaxWrites {
			w := create(strconv.Itoa(i*share.MaxWrites + k))
			versions[w.Key] = w.Version
			batch = append(batch, w)
		}
		require.NoError(t, store.Put(t.Context(), batch))
	}
	pages, update := 0, share.Write{Key: "99", Version: versionOf()} // 99 is on the last page
	require.NoError(t, store.Feed(t.Context(), share.Position{}, func(f share.Frame) bool {
		for _, r := range f.Snapshot {
			require.Equal(t, versions[r.Key], r.Version, r.Key)
		}
		if len(f.Snapshot) > 0 {
			if pages++; pages == 1 {
				update.Expect = versions["99"]
				require.NoError(t, store.Put(t.Context(), []share.Write{update}))
			}
		}
		return len(f.Changes) == 0
	}))
	require.Greater(t, pages, 1)
}

// Programs that use a client only do not compile the server.
func TestTheStoreDoesNotImportTheServer(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range parsed.Imports {
			require.NotContains(t, spec.Path.Value, "etcd/server", file)
		}
	}
}

// When Feed has returned, no goroutine of it runs, of the Store or of the client.
func TestFeedLeavesNoGoroutine(t *testing.T) {
	store := storeOf(t, start(t, 1).client())
	for i := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		f := follow(ctx, store)
		<-f.synced
		w := create(strconv.Itoa(i))
		require.NoError(t, store.Put(t.Context(), []share.Write{w}))
		f.waitFor(t, w.Version)
		cancel()
		<-f.ended
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		require.NotContains(t, string(stacks), "hostetcd.(*inflow)")
		require.NotContains(t, string(stacks), "clientv3.(*watch")
	}
}
