package hostmgr_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// A zone loses one host of four, then two more. Between the losses its last host is refreshed or
// replaced. The limit remembers the first loss and holds the other two, whatever the name of the
// zone.
func TestTheEvictionLimitRemembersAZoneWhoseOnlyHostIsRefreshed(t *testing.T) {
	for _, zone := range []string{"named", "other", "the 65th"} {
		for incarnation := range uint64(2) {
			s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{MaxFraction: 0.5}, Policy: hostmgr.Fixed(2)})
			announce := func(id string, incarnation uint64) {
				s.announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: second, Incarnation: incarnation})
			}
			full := 63
			if zone == "the 65th" {
				full = 64
			}
			for i := range full {
				s.announce(hostmgr.Announcement[string]{ID: "z" + strconv.Itoa(i), Zone: strconv.Itoa(i), Interval: 1000 * second})
			}
			announce("dead", 1)
			announce("alive", 1)
			s.clock.Advance(second + second/2)
			s.heartbeat("alive")
			s.after(second)
			require.True(t, s.gone("dead"), "one alone is never too many")
			if incarnation > 0 {
				announce("alive", 2)
			} else {
				announce("alive", 1)
			}
			s.after(2*second + 1)
			require.False(t, s.gone("alive"), "zone %q, incarnation %d", zone, incarnation)
			require.Contains(t, s.get("alive").Hold.String(), "2 of 2 hosts of zone")
		}
	}
}
