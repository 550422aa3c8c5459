package hostmgr_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

type megabyte [1 << 20]byte

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
	r, err := hostmgr.New(hostmgr.Config[[1100]byte]{})
	require.NoError(t, err)
	check := func(from int) {
		for i := from; i < many; i++ {
			h, there := r.Get(strconv.Itoa(i))
			require.True(t, there)
			require.Equal(t, [2]byte{byte(i), byte(i >> 8)}, [2]byte(h.Metadata[:2]))
		}
	}
	for i := range many {
		a := hostmgr.Announcement[[1100]byte]{ID: strconv.Itoa(i)}
		a.Metadata[0], a.Metadata[1] = byte(i), byte(i>>8)
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
