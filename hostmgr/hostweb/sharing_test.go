package hostweb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A cutStore is a Store that a member can be cut off from.
type cutStore struct {
	share.Store
	cut atomic.Bool
}

var errCut = errors.New("cut off")

func (s *cutStore) Put(ctx context.Context, batch []share.Write) error {
	if s.cut.Load() {
		return errCut
	}
	return s.Store.Put(ctx, batch)
}

func (s *cutStore) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	if s.cut.Load() {
		return errCut
	}
	return s.Store.Feed(ctx, after, func(f share.Frame) bool { return !s.cut.Load() && yield(f) })
}

// A shared is a registry that is shared, and its page.
type shared struct {
	*hostmgr.Registry[string]
	web   *hostweb.Handler[string]
	store *cutStore
	end   func()
}

func newShared(t *testing.T, table share.Store, name string) *shared {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	store := &cutStore{Store: table}
	m, err := share.New(share.Config[string]{Registry: r, Store: store, Name: name})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- r.Run(ctx) }()
	go func() { ended <- m.Run(ctx) }()
	end := func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
	}
	return &shared{r, &hostweb.Handler[string]{Registry: r, Member: m}, store, end}
}

func (s *shared) page() string { return do(s.web, http.MethodGet, "/").Body.String() }

type sharingAnswer struct {
	Alerts  []struct{ Level, Text string }
	Sharing *struct {
		ID, Summary, Slowest string
		Ready                bool
		MemberCount          int
		Members              []struct {
			ID, Name string
			Age      float64
			Hosts    int
			Self     bool
		}
		Kept, Mirrored int
	}
}

func (s *shared) stats(t *testing.T) sharingAnswer {
	return read[sharingAnswer](t, s.web, "/api/stats")
}

type keepersAnswer struct {
	Hosts []struct{ ID, Keeper, KeeperID string }
}

func TestThePageShowsTheMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := share.Memory()
		one, two := newShared(t, table, "<b>one</b>"), newShared(t, table, "")
		defer one.end()
		defer two.end()
		time.Sleep(11 * time.Second)
		for id, s := range map[string]*shared{"a": one, "b": one, "c": two} {
			_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Minute})
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		got := one.stats(t).Sharing
		other := two.stats(t).Sharing
		require.True(t, got.Ready)
		require.Empty(t, one.stats(t).Alerts)
		require.Equal(t, 2, got.MemberCount)
		require.Equal(t, []int{2, 1}, []int{got.Kept, got.Mirrored})
		require.Equal(t, other.ID, got.Members[0].ID, "the member without a name is the first")
		require.Equal(t, 1, got.Members[0].Hosts)
		require.Equal(t, "<b>one</b>", got.Members[1].Name)
		require.True(t, got.Members[1].Self)
		require.Contains(t, got.Summary, "ready · 2 hosts kept here · 1 mirrored · last in touch with the table")
		hosts := read[keepersAnswer](t, one.web, "/api/hosts?sort=id").Hosts
		require.Equal(t, []string{"<b>one</b>", got.ID}, []string{hosts[0].Keeper, hosts[0].KeeperID})
		require.Equal(t, []string{other.ID, other.ID}, []string{hosts[2].Keeper, hosts[2].KeeperID})

		body := one.page()
		require.Contains(t, body, `<th scope="row">&lt;b&gt;one&lt;/b&gt;<small>this one</small></th><td>`+got.ID+`</td><td class="n">2</td>`)
		require.Contains(t, body, `<th scope="row">`+other.ID+`</th><td>`+other.ID+`</td><td class="n">1</td>`)
		require.Contains(t, body, `<td class="wide">`+other.ID+`</td>`)
		require.Contains(t, body, `data-shared="true"`)
		require.NotContains(t, body, "<b>one")
	})
}

func TestThePageSaysThatTheViewIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := share.Memory()
		s := newShared(t, table, "one")
		stays := newShared(t, table, "two")
		defer stays.end()
		time.Sleep(11 * time.Second)
		_, err := s.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 2 * time.Second})
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Empty(t, s.stats(t).Alerts)

		s.store.cut.Store(true)
		time.Sleep(20 * time.Second)
		got := s.stats(t)
		require.Equal(t, "bad", got.Alerts[0].Level)
		require.Regexp(t, `^This view is stale since 00:00:1[0-9] UTC \((19|20) s\): no host is evicted\.`, got.Alerts[0].Text)
		require.False(t, got.Sharing.Ready)
		require.Len(t, got.Sharing.Members, 2, "as it knew them last")
		require.Contains(t, s.page(), `<p class="alert bad">This view is stale since `)
		require.Equal(t, 1, s.Len())

		s.store.cut.Store(false)
		time.Sleep(4 * time.Second)
		got = s.stats(t)
		require.True(t, got.Sharing.Ready)
		for _, a := range got.Alerts {
			require.NotContains(t, a.Text, "stale")
		}
		s.end()
		require.Contains(t, fmt.Sprint(s.stats(t).Alerts), "This member is not ready")
	})
}

// A host that is due is held, and the page says what the eviction waits for.
func TestThePageSaysWhatAnEvictionWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := share.Memory()
		one, two := newShared(t, table, "one"), newShared(t, table, "two")
		defer one.end()
		time.Sleep(11 * time.Second)
		_, err := one.Announce(hostmgr.Announcement[string]{ID: "a", Interval: 10 * time.Second})
		require.NoError(t, err)
		time.Sleep(19 * time.Second)
		two.end()
		time.Sleep(3 * time.Second)
		require.Regexp(t, `^A member ended [23] s ago, and may have been the last to hear some hosts\.`, one.warning(t))
		for _, a := range one.stats(t).Alerts {
			require.Equal(t, "warn", a.Level, a.Text) // each eviction waits for the other members
		}
	})
}

// warning returns the first alert that is no bad one.
func (s *shared) warning(t *testing.T) string {
	for _, a := range s.stats(t).Alerts {
		if a.Level == "warn" {
			return a.Text
		}
	}
	return ""
}

// api/stats has all fields of share.Stats, in lower camel case.
func TestSharingHasAllOfStats(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	m, err := share.New(share.Config[string]{Registry: r, Store: share.Memory()})
	require.NoError(t, err)
	got := read[map[string]any](t, &hostweb.Handler[string]{Registry: r, Member: m}, "/api/stats")["sharing"].(map[string]any)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[share.Stats]()) {
		require.Contains(t, got, lowerCamel(f.Name))
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[share.CleanupStats]()) {
		require.Contains(t, got["cleanup"], lowerCamel(f.Name))
	}
}

func lowerCamel(name string) string {
	if name == "ID" {
		return "id"
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func TestARegistryThatIsNotShared(t *testing.T) {
	s := newSite(t, hostmgr.Config[string]{})
	s.join("a", "", second)
	body := s.get("/").Body.String()
	for _, absent := range []string{"sharing", "Members", "Keeper", "data-shared", "vouches"} {
		require.NotContains(t, body, absent)
	}
	require.Nil(t, read[sharingAnswer](t, s.web, "/api/stats").Sharing)
	require.Empty(t, read[keepersAnswer](t, s.web, "/api/hosts").Hosts[0].Keeper)
}
