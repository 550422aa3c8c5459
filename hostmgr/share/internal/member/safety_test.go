package member_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

// A keeper that was frozen with a claim does not evict: others may have taken the host. It may read
// its claim before it reads that.
func TestAClaimIsNotSettledAfterTheLease(t *testing.T) {
	for seed := range uint64(10) {
		w := settledBy(t, seed, 3)
		w.nodes[0].heartbeat("h")
		w.onClaim(func(n *node) {
			n.frozen = w.now + 20*sec
			w.nodes[1].heartbeat("h")
		})
		w.run(timeout + 2*sec)
		w.keep("h", func() *node { return w.nodes[1] })
		w.run(100 * sec)
		require.Empty(t, w.wrong)
		require.Zero(t, w.evicted, "seed %d", seed)
		w.everywhere("h")
		require.Equal(t, w.nodes[1].core.Stats().ID, w.host("h").Keeper)
	}
}

func TestAReadMarkOfAnotherHistoryCountsForNothing(t *testing.T) {
	w := settled(t, 2)
	version := uint64(0)
	until := w.now + 60*sec
	var renew func()
	renew = func() {
		m := record.Member{Counter: 1, Read: 1 << 40, Version: 77, Lapse: uint64(lapse)}
		require.NoError(t, w.table.Put([]table.Write{{Key: "m/x", Expect: version, Version: version + 1, Value: m.Encode()}}))
		if version++; w.now < until {
			w.after(sec, renew)
		}
	}
	renew()
	w.nodes[0].heartbeat("h")
	w.run(60 * sec)
	require.True(t, w.host("h").Asked)
	require.Zero(t, w.evicted)
	w.run(2 * lapse)
	w.nowhere("h")
}

// All members are suspended at once, and wake one after another.
func TestAMemberThatWakesFirstBuriesNoOther(t *testing.T) {
	w := settled(t, 3)
	ids := map[string]bool{}
	for i, n := range w.nodes {
		n.frozen = w.now + 60*sec + int64(i)*2*sec
		ids[n.core.Stats().ID] = true
	}
	w.run(80 * sec)
	for _, n := range w.nodes {
		require.True(t, ids[n.core.Stats().ID], "%s was buried", n.name)
	}
}

// After an outage the others must come back, too, before a question may be asked.
func TestNoQuestionIsAskedSoonAfterAnOutage(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(5 * sec)
	w.table.SetDown(true)
	w.run(40 * sec)
	w.table.SetDown(false)
	up := w.now
	w.run(60 * sec)
	require.GreaterOrEqual(t, w.asked["h"], up+lapse)
	w.nowhere("h")
}

func TestAClaimOfALiveKeeperIsItsOwn(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	var writer *node
	w.onClaim(func(n *node) {
		n.frozen = w.now + 2*sec
		w.nodes[1].heartbeat("h")
		w.onHost = func(n *node, _ string, _ *record.Host) { writer = n }
	})
	w.run(timeout + 3*sec)
	require.Nil(t, writer, "its keeper may evict the host at this moment")
	require.Equal(t, 1, w.evicted)
}

// A stall after the question moves the deadline. The host is due again at once, but the members were
// asked too early: the contact at another one is from before the deadline.
func TestTheMembersAreAskedAgainAfterAStall(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.onClaim(func(n *node) {
		n.frozen = w.now + 2*sec
		n.reg.stalled = 2 * sec
		w.nodes[1].heartbeat("h")
		w.onHost = func(_ *node, _ string, h *record.Host) { require.False(t, h.Claimed) }
	})
	w.run(timeout + 10*sec)
	require.Zero(t, w.evicted)
	w.everywhere("h")
	require.Equal(t, w.nodes[1].core.Stats().ID, w.host("h").Keeper)
	w.onHost = func(*node, string, *record.Host) {}
	w.run(timeout)
	require.Equal(t, 1, w.evicted)
	w.nowhere("h")
}

// The engine was down for longer than the wait for a member that is gone may last. That one heard
// the host just before it crashed.
func TestAHostHasItsTimeoutAgainAlthoughTheEngineWasDown(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	w.table.SetDown(true)
	w.run(3*timeout + lapse)
	w.table.SetDown(false)
	w.run(lapse - sec)
	w.nodes[1].reg.heartbeat("h")
	w.nodes[1].crash()
	w.run(timeout)
	require.Zero(t, w.evicted)
	w.run(timeout)
	w.nowhere("h")
	require.Equal(t, 1, w.evicted)
}

// A member that crashes again and again delays an eviction, but not for ever.
func TestAMemberThatCrashesInALoopDelaysNoEvictionForEver(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	last := w.now
	for w.now < last+2*timeout+lapse {
		require.Zero(t, w.evicted)
		w.nodes[1].crash()
		w.nodes[1].restart()
		w.run(timeout / 4)
	}
	w.run(2 * sec)
	require.Equal(t, 1, w.evicted)
}

func TestAnHeirWaitsForTheTimeout(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(5 * sec)
	w.nodes[0].crash()
	w.nodes = w.nodes[1:]
	crashed := w.now
	w.run(2 * lapse)
	for _, n := range w.nodes { // by an Update, which is no contact
		n.reg.changed["h"] = true
		n.pump()
	}
	w.run(sec)
	require.Zero(t, w.asked["h"])
	w.run(timeout + lapse)
	require.GreaterOrEqual(t, w.asked["h"], crashed+timeout-2*sec, "the keeper lived until then")
	w.nowhere("h")
}

// An acknowledged write may be lost. So a member writes nothing before its record came back.
func TestAMemberActsWhenItHasSeenItsRecord(t *testing.T) {
	w := settled(t, 1)
	n := &node{w: w, name: "new", reg: newRegistry(w, "new")}
	n.reg.announce("h", 0, "x")
	w.delays = func(by *node, b []member.Write) (int64, bool) {
		return 0, by == n && strings.HasPrefix(b[0].Key, "m/")
	}
	n.start()
	w.run(10 * sec)
	require.False(t, n.ready())
	require.Nil(t, w.host("h"))
	w.delays = func(*node, []member.Write) (int64, bool) { return 0, false }
	w.run(10 * sec)
	require.NotNil(t, w.host("h"))
}

// A keeper evicts a host, and is cut off before it can say so. Another member hears the host and
// takes it. Then it lives, under another number, and only the first member has seen it depart.
func TestAHostThatAnotherMemberTookLives(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(timeout)
	n, once, stop := w.nodes[0], false, func() {}
	w.delays = func(by *node, b []member.Write) (int64, bool) {
		if by == n && strings.HasPrefix(b[0].Key, "gone/") && !once {
			once, n.cut = true, true
			w.after(20*sec, func() { n.cut = false })
			stop = w.keep("h", func() *node { return w.nodes[1] })
		}
		return 0, false
	}
	w.run(60 * sec)
	require.Equal(t, 1, w.evicted)
	require.Equal(t, map[string]int{"gone/h/1": 1}, w.ends)
	require.Equal(t, map[string]int{"gone/h/1": 1}, w.cleans)
	require.Len(t, w.local, 1)
	require.NotEqual(t, uint64(1), w.host("h").Registration)
	w.everywhere("h")
	stop()
	w.run(2 * timeout)
	w.nowhere("h")
	require.Len(t, w.local, 1+len(w.nodes))
	for k, n := range w.local {
		require.Equal(t, 1, n, k)
	}
}

// A cleanup is owed when the table is lost, and done afterwards: by its cleaner, or by an heir.
func TestACleanupOutlivesTheTable(t *testing.T) {
	for _, dies := range []bool{false, true} {
		w := settled(t, 3)
		w.nodes[0].heartbeat("h")
		w.run(sec)
		for _, n := range w.nodes {
			n.fails = 1 << 20
		}
		w.nodes[0].leave("h")
		w.run(sec)
		require.Equal(t, 1, w.count(record.KindGone))
		w.table.Wipe()
		if dies {
			w.nodes[0].crash()
			w.nodes = w.nodes[1:]
		}
		w.run(5 * sec)
		for _, n := range w.nodes {
			n.fails = 0
		}
		w.run(60 * sec)
		require.Equal(t, map[string]int{"gone/h/1": 1}, w.cleans, "%v", dies)
		require.Zero(t, w.count(record.KindGone))
	}
}

// A record of a departure comes back after its cleanup is done: an old write was late, or the table
// has lost that. It is not done again.
func TestACleanupThatIsDoneIsNotRepeated(t *testing.T) {
	w := settled(t, 3)
	w.nodes[0].heartbeat("h")
	w.run(sec)
	var late []table.Write
	w.onGone = func(x member.Write) { late = append(late, table.Write(x)) }
	w.nodes[0].leave("h")
	w.run(10 * sec)
	require.Zero(t, w.count(record.KindGone))
	late[0].Version++
	require.NoError(t, w.table.Put(late[:1]))
	require.Equal(t, 1, w.count(record.KindGone))
	w.run(10 * sec)
	require.Zero(t, w.count(record.KindGone))
	require.Equal(t, map[string]int{"gone/h/1": 1}, w.cleans)
}

// A host roams, and the member that heard it last crashes. It is evicted by no other member.
func TestAMemberThatHeardAHostLastCrashes(t *testing.T) {
	w := settled(t, 4)
	w.nodes[0].heartbeat("h")
	w.run(9 * sec)
	w.nodes[3].heartbeat("h")
	w.run(7 * sec)
	w.nodes[3].heartbeat("h")
	w.run(sec / 2)
	w.nodes[3].crash()
	w.nodes = w.nodes[:3]
	w.run(8 * sec)
	w.keep("h", func() *node { return w.nodes[1] })
	w.run(100 * sec)
	require.Zero(t, w.evicted)
	w.everywhere("h")
}
