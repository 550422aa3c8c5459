package hostmgr_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// The compiler compiles a registry for each form of metadata, which takes more than a second. So
// tests share a few types: string, int, pointers, and large.
type (
	// large is metadata just above the limit: the registry stores them by pointer.
	large    [129]int
	megabyte [1 << 20]byte
)

// Metadata of a large type take about their own size, and are released when their host departs.
func TestLargeMetadataTakeTheirOwnSize(t *testing.T) {
	var r *hostmgr.Registry[megabyte]
	r, err := hostmgr.New(hostmgr.Config[megabyte]{})
	require.NoError(t, err)
	before := heap()
	a := hostmgr.Announcement[megabyte]{}
	for i := range 4 {
		a.ID, a.Metadata[7] = strconv.Itoa(i), byte(i)
		_, err = r.Announce(a)
		require.NoError(t, err)
		require.Less(t, heap()-before, int64(i+3)<<20) // plus the announcement
	}
	h, _ := r.Get("3")
	require.EqualValues(t, 3, h.Metadata[7])
	for i := range 3 {
		require.NoError(t, r.Forget(strconv.Itoa(i), 0))
	}
	require.Less(t, heap()-before, int64(3)<<20)
	runtime.KeepAlive(r)
}

// Metadata of a type just above the limit move with their hosts as others do.
func TestLargeMetadataMoveWithTheirHosts(t *testing.T) {
	const many = 5000
	r, err := hostmgr.New(hostmgr.Config[large]{})
	require.NoError(t, err)
	check := func(from int) {
		for i := from; i < many; i++ {
			h, there := r.Get(strconv.Itoa(i))
			require.True(t, there)
			require.Equal(t, [2]int{i, -i}, [2]int{h.Metadata[0], h.Metadata[128]})
		}
	}
	for i := range many {
		a := hostmgr.Announcement[large]{ID: strconv.Itoa(i)}
		a.Metadata[0], a.Metadata[128] = i, -i
		_, err := r.Announce(a)
		require.NoError(t, err)
	}
	check(0)
	for i := range many - 10 {
		require.NoError(t, r.Leave(context.Background(), strconv.Itoa(i), 0))
	}
	check(many - 10)
	require.Equal(t, 10, r.Len())
}
