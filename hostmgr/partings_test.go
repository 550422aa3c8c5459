package hostmgr_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// Many hosts that are heard here depart elsewhere at once, and then none does. What is kept for
// their processes is released after a minute.
func TestContactsOfDepartedHostsAreReleased(t *testing.T) {
	s := newShared(t, hostmgr.Config[string]{})
	const hosts = 50_000
	for i := range hosts {
		id := strconv.Itoa(i)
		s.mirror(id)
		s.heartbeat(id)
	}
	for i := range hosts {
		require.True(t, s.Depart(&hostmgr.Departure[string]{
			Kind: hostmgr.DepartureLeft, Host: hostOf(strconv.Itoa(i), 7, 70),
		}))
	}
	s.changed()
	s.after(15 * time.Minute) // what is remembered of hosts that have left is forgotten, too
	before := heap()
	for range 2 { // departures make room for themselves
		s.mirror("last")
		s.heartbeat("last")
		require.True(t, s.Depart(&hostmgr.Departure[string]{Kind: hostmgr.DepartureLeft, Host: hostOf("last", 7, 70)}))
		s.after(time.Minute)
	}
	require.Less(t, before-heap(), int64(10*hosts))
	runtime.KeepAlive(s)
}
