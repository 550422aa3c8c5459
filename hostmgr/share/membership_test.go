package share_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A logged has the lines of a logger.
type logged struct {
	mu  sync.Mutex // guards all below
	buf bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestARegistryHasOneMemberAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 1)
		p := f.processes[0]
		second, err := share.New(share.Config[peer]{Registry: p.hosts, Store: f.store})
		require.NoError(t, err)
		require.ErrorIs(t, second.Run(t.Context()), hostmgr.ErrRunning)
		require.ErrorIs(t, p.member.Run(t.Context()), hostmgr.ErrRunning)
		p.stop(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go func() { _ = p.hosts.Run(ctx) }()
		require.NoError(t, second.Run(ctx))
		require.False(t, second.Ready())
	})
}

// Run ends while a cleanup hangs. The load balancer is told at once.
func TestAMemberThatEndsIsNotReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, share.Memory(), 2)
		f.cleanup = func(context.Context, hostmgr.Departure[peer]) error {
			time.Sleep(5 * time.Second)
			return nil
		}
		var log logged
		f.logger = log.logger()
		p := f.start("ends")
		time.Sleep(11 * time.Second)
		p.announce(t, "h", peer{})
		require.NoError(t, p.hosts.Leave(t.Context(), "h", 0))
		time.Sleep(time.Second)
		p.end()
		time.Sleep(200 * time.Millisecond)
		require.False(t, p.member.Ready())
		require.NoError(t, <-p.ended)
		require.NoError(t, <-p.ended)
		require.Zero(t, p.member.Stats().FeedErrors)
		require.NotContains(t, log.String(), "WARN")
		require.Contains(t, log.String(), "name=ends")
		f.processes = f.processes[:2]
		f.stop()
	})
}

// A member is cut off, and another one removes it. Each says so in its log and in its Stats.
func TestARemovalIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log logged
		memory := share.Memory()
		f := &fleet{t: t, store: memory, cleaned: &cleaned{of: map[string]int{}}, logger: log.logger()}
		f.start("stays")
		store := &line{Store: memory}
		f.store = store
		cut := f.start("cut")
		time.Sleep(11 * time.Second)
		cut.announce(t, "h", peer{})
		time.Sleep(time.Second)
		for _, p := range f.processes {
			keeper, ok := p.member.Keeper("h")
			require.True(t, ok)
			require.Equal(t, "cut", keeper.Name)
			require.Equal(t, 1, keeper.Hosts)
			require.Equal(t, p == cut, keeper.Self)
			_, ok = p.member.Keeper("g")
			require.False(t, ok)
		}
		former := cut.member.Stats().ID
		store.cut.Store(true)
		time.Sleep(3 * time.Second)
		require.Len(t, cut.member.Stats().Members, 2, "as it knew them last")
		time.Sleep(6 * time.Second)
		require.False(t, cut.member.Ready())
		_, ok := f.processes[0].member.Keeper("h")
		require.False(t, ok, "it is dead")
		time.Sleep(4 * time.Second)
		store.cut.Store(false)
		time.Sleep(10 * time.Second)
		s := cut.member.Stats()
		require.True(t, s.Ready)
		require.NotEqual(t, former, s.ID)
		require.Equal(t, uint64(1), s.Buried)
		require.Zero(t, s.Burials)
		require.Equal(t, uint64(1), f.processes[0].member.Stats().Burials)
		for _, line := range []string{
			`msg="a member was silent for its Lapse, and was removed" name=stays member=` + former + ` of=cut hosts=1`,
			`msg="cannot read the table; trying again" name=cut err="cut off"`,
			`msg="this member is out of touch with the table: its registry evicts no host" name=cut member=` + former,
			`msg="this member was silent in the table, and the others have removed it: it joins again" name=cut member=` + former,
			`msg="the registry is shared again, by another member" name=cut member=` + s.ID + ` former=` + former + ` members=2`,
		} {
			require.Contains(t, log.String(), line)
		}
		f.stop()
	})
}

func TestAMemberWithoutSweepsSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log logged
		hosts, err := hostmgr.New(hostmgr.Config[peer]{})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		m, err := share.New(share.Config[peer]{Registry: hosts, Store: share.Memory(), Logger: log.logger()})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.NoError(t, m.Run(ctx))
		require.Contains(t, log.String(), "nothing sweeps its registry")
		require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	})
}

// The goodbye of a member may come back in the feed before its batch is answered. That is no failure
// of the table.
func TestAGoodbyeThatIsSeenBeforeItsAnswerIsNoWarning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log logged
		memory := share.Memory()
		s := &hostile{Store: memory, put: func(ctx context.Context, b []share.Write) (bool, error) {
			if !b[0].Delete {
				return false, nil
			}
			require.NoError(t, memory.Put(ctx, b))
			<-ctx.Done()
			return true, ctx.Err()
		}}
		a := newAgain(t, share.Config[peer]{Store: s, Logger: log.logger()})
		end := a.run()
		time.Sleep(11 * time.Second)
		require.NoError(t, end())
		require.NotContains(t, log.String(), "level=WARN")
	})
}
