package dragonfly_test

import (
	"testing"
	"time"

	"d7y.io/dragonfly/v2/pkg/types"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/dragonfly"
	"github.com/hostlife/hostlife/hostmgr"
)

// Whatever changes the registry changes the seeds too.
func TestSeedsFollowTheRegistry(t *testing.T) {
	for name, change := range map[string]func(*hostmgr.Registry[dragonfly.Stored]) error{
		"Forget":    func(r *hostmgr.Registry[dragonfly.Stored]) error { return r.Forget("a", 0) },
		"ForgetFor": func(r *hostmgr.Registry[dragonfly.Stored]) error { return r.ForgetFor("a", 0, time.Hour) },
		"Evict": func(r *hostmgr.Registry[dragonfly.Stored]) error {
			return r.Evict(t.Context(), "a", 0, "it is ill")
		},
		"Leave": func(r *hostmgr.Registry[dragonfly.Stored]) error { return r.Leave(t.Context(), "a", 0) },
		"Announce": func(r *hostmgr.Registry[dragonfly.Stored]) error {
			_, err := r.Announce(hostmgr.Announcement[dragonfly.Stored]{
				ID: "a", Metadata: dragonfly.Stored{Host: newHost("a"), Type: types.HostTypeNormal},
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHosts(t, dragonfly.Options{})
			h.Store(newSeed("a"))
			h.Store(newSeed("b"))
			require.NoError(t, change(h.Registry()))
			require.Equal(t, []string{"b"}, ids(h.LoadAllSeeds()))
			require.Equal(t, []string{"b"}, ranged(h.RangeSeeds))
		})
	}
}
