package share_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// Cleanups that ignore their context are left behind. The member renews its record all the same.
func TestCleanupsThatHangDoNotEndTheMembership(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &fleet{t: t, store: share.Memory(), cleaned: &cleaned{of: map[string]int{}}}
		f.cleanup = func(context.Context, hostmgr.Departure[peer]) error {
			<-release
			return nil
		}
		p := f.start("a")
		time.Sleep(11 * time.Second)
		for i := range 200 {
			p.announce(t, fmt.Sprint("h", i), peer{})
			require.NoError(t, p.hosts.Leave(t.Context(), fmt.Sprint("h", i), 0))
		}
		for range 300 {
			time.Sleep(time.Second)
			require.True(t, p.member.Ready())
		}
		require.Equal(t, 64, p.member.Stats().LeftBehind)
		close(release)
		time.Sleep(time.Minute)
		require.Zero(t, p.member.Stats().LeftBehind)
		require.Zero(t, p.member.Stats().Cleanup.Owed)
		f.stop()
	})
}

// A member runs again in the same process.
type again struct {
	t     *testing.T
	hosts *hostmgr.Registry[peer]
	*share.Member[peer]
}

func newAgain(t *testing.T, c share.Config[peer]) *again {
	a := &again{t: t, hosts: mustRegistry(t)}
	c.Registry = a.hosts
	var err error
	a.Member, err = share.New(c)
	require.NoError(t, err)
	go a.hosts.Run(t.Context())
	return a
}

// run runs the member until end is called.
func (a *again) run() (end func() error) {
	ctx, cancel := context.WithCancel(a.t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// A cleanup that ignores its context outlives Run. The next Run repeats it.
func TestTheNextRunRepeatsACleanupThatWasLeftBehind(t *testing.T) {
	for _, between := range []bool{false, true} { // whether it returns between two Runs, or later
		bubble(t, func(t *testing.T) {
			calls, release := atomic.Int32{}, make(chan struct{})
			a := newAgain(t, share.Config[peer]{Store: share.Memory(), Cleanup: func(context.Context, hostmgr.Departure[peer]) error {
				if calls.Add(1) == 1 {
					<-release
					return errors.New("too late")
				}
				return nil
			}})
			end := a.run()
			time.Sleep(11 * time.Second)
			_, err := a.hosts.Announce(hostmgr.Announcement[peer]{ID: "h", Interval: interval})
			require.NoError(t, err)
			require.NoError(t, a.hosts.Leave(t.Context(), "h", 0))
			time.Sleep(time.Second)
			require.EqualValues(t, 1, calls.Load())
			require.NoError(t, end())
			if between {
				close(release)
				time.Sleep(time.Second)
			}
			end = a.run()
			time.Sleep(30 * time.Second)
			require.EqualValues(t, 2, calls.Load())
			require.Equal(t, 0, a.Stats().Cleanup.Running)
			require.Zero(t, a.Stats().Cleanup.Owed)
			if !between {
				close(release)
				time.Sleep(time.Second)
			}
			require.NoError(t, end())
		})
	}
}

// What a feed of an earlier Run shows at last, although its context has ended, is ignored.
func TestAFeedOfAnEarlierRunIsIgnored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		memory := share.Memory()
		f := newFleet(t, memory, 1)
		f.processes[0].announce(t, "h", peer{})
		release := make(chan struct{})
		s := &lateFeed{Store: memory, release: release}
		a := newAgain(t, share.Config[peer]{Store: s})
		end := a.run()
		time.Sleep(11 * time.Second)
		require.Equal(t, 1, a.hosts.Len())
		require.NoError(t, end())
		end = a.run()
		time.Sleep(2 * time.Second)
		require.True(t, a.Ready())
		syncs := a.Stats().Snapshots
		close(release)
		time.Sleep(20 * time.Second)
		require.True(t, a.Ready())
		require.Zero(t, a.Stats().FeedErrors)
		require.Equal(t, syncs, a.Stats().Snapshots)
		require.NoError(t, end())
		f.stop()
	})
}

// The first feed of a lateFeed shows one more frame after its context has ended, and its release.
type lateFeed struct {
	share.Store
	release <-chan struct{}
	feeds   atomic.Int32
}

func (s *lateFeed) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	if s.feeds.Add(1) > 1 {
		return s.Store.Feed(ctx, after, yield)
	}
	var last share.Frame
	err := s.Store.Feed(ctx, after, func(f share.Frame) bool {
		last = f
		return yield(f)
	})
	<-s.release
	for range 100 { // yield may notice the end of the context
		yield(last)
	}
	return err
}

// A feed that breaks off again and again is not begun again at once.
func TestAFeedThatBreaksOffIsNotReadInALoop(t *testing.T) {
	for name, most := range map[string]int{"at its first frame": 1, "soon after its snapshot": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := &breakingFeed{Store: share.Memory(), frames: most}
				a := newAgain(t, share.Config[peer]{Store: s})
				end := a.run()
				time.Sleep(time.Minute)
				require.Less(t, s.feeds.Load(), int32(60))
				s.heals.Store(true)
				time.Sleep(20 * time.Second)
				require.True(t, a.Ready())
				feeds := s.feeds.Load()
				time.Sleep(time.Minute)
				require.Equal(t, feeds, s.feeds.Load())
				require.NoError(t, end())
			})
		})
	}
}

type breakingFeed struct {
	share.Store
	frames int // after which it breaks off, or when its snapshot is complete
	feeds  atomic.Int32
	heals  atomic.Bool
}

func (s *breakingFeed) Feed(ctx context.Context, after share.Position, yield func(share.Frame) bool) error {
	s.feeds.Add(1)
	n, broken := 0, errors.New("broken off")
	err := s.Store.Feed(ctx, after, func(f share.Frame) bool {
		n++
		return yield(f) && (s.heals.Load() || n < s.frames && !f.Synced)
	})
	if err == nil {
		err = broken
	}
	return err
}

// Before a member deletes its record, it says that no host may be acknowledged any more.
func TestAMemberIsNotReadyWhenItSaysGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var a *again
		said, ready := 0, 0
		s := &hostile{Store: share.Memory(), put: func(_ context.Context, b []share.Write) (bool, error) {
			if b[0].Delete && strings.HasPrefix(b[0].Key, "m/") {
				if said++; a.Ready() {
					ready++
				}
			}
			return false, nil
		}}
		a = newAgain(t, share.Config[peer]{Store: s})
		for range 300 {
			end := a.run()
			time.Sleep(time.Second)
			require.True(t, a.Ready())
			require.NoError(t, end())
		}
		require.Equal(t, 300, said)
		require.Zero(t, ready)
	})
}
