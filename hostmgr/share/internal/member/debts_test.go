package member_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
	"github.com/hostlife/hostlife/internal/effort"
)

// gone returns the departure of a host in the table, with its version.
func (w *world) gone(id string) (key string, version uint64, g record.Gone) {
	for _, r := range w.records() {
		if k := record.ParseKey(r.Key); k.Kind == record.KindGone && k.ID == id {
			g, err := record.DecodeGone(r.Value)
			require.NoError(w.t, err)
			return r.Key, r.Version, g
		}
	}
	w.t.Fatalf("no departure of %s", id)
	return
}

// A cleanup fails here after another member has written that it is done.
func TestACleanupThatIsDoneElsewhereIsNotRepeated(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[0]
	n.slow, n.fails = 3*sec, 1
	n.heartbeat("h")
	w.run(sec)
	n.leave("h")
	w.run(sec)
	key, version, g := w.gone("h")
	g.Done = true
	require.NoError(t, w.table.Put([]table.Write{{Key: key, Expect: version, Version: 9, Value: g.Encode()}}))
	w.run(30 * sec)
	require.Zero(t, w.count(record.KindGone))
	require.Empty(t, w.cleans)
}

// The table is lost, with a cleanup that is owed and whose cleaner is dead. Before an heir writes
// it again, the feed breaks off once more.
func TestACleanupThatTheTableHasLostIsNotForgottenByTheNextFeed(t *testing.T) {
	w := settled(t, 3)
	n := w.nodes[0]
	n.slow = 60 * sec
	n.heartbeat("h")
	w.run(sec)
	n.leave("h")
	w.run(sec)
	key, _, _ := w.gone("h")
	n.crash()
	w.nodes = w.nodes[1:]
	w.table.Wipe()
	for w.nodes[0].core.Stats().Losses == 0 || w.nodes[1].core.Stats().Losses == 0 {
		w.run(100 * ms)
	}
	for _, n := range w.nodes {
		n.cursor = nil
	}
	w.run(60 * sec)
	require.Equal(t, 1, w.cleans[key])
	require.Zero(t, w.count(record.KindGone))
}

// unread adds a member that renews its record for ever, and does not read until read is called.
func (w *world) unread() (read func()) {
	version, reads := uint64(0), false
	var renew func()
	renew = func() {
		m := record.Member{Counter: 1, Read: 1 << 40, Version: 77, Lapse: uint64(lapse)}
		if reads {
			m.Read, m.Version = w.mark()
		}
		require.NoError(w.t, w.table.Put([]table.Write{{Key: "m/x", Expect: version, Version: version + 1, Value: m.Encode()}}))
		version++
		w.after(sec, renew)
	}
	renew()
	return func() { reads = true }
}

// While a member does not read, departures that are done wait for it. Each waits once, however
// often the member looks at them.
func TestADepartureWaitsOnceForAllReaders(t *testing.T) {
	w := settled(t, 2)
	read := w.unread()
	const hosts = 10
	n := w.nodes[0]
	for i := range hosts {
		n.heartbeat(fmt.Sprint("h", i))
	}
	w.run(sec)
	for i := range hosts {
		n.leave(fmt.Sprint("h", i))
	}
	for range 9 {
		w.run(10 * sec)
		n.cursor = nil // it reads a snapshot
	}
	w.run(9 * sec)
	require.Equal(t, hosts, w.count(record.KindGone))
	require.LessOrEqual(t, n.core.Stats().Appointments, 2*hosts)
	read()
	w.run(30 * sec)
	require.Zero(t, w.count(record.KindGone))
	w.nowhere("h1")
}

// A record that the registry cannot have is deleted while this member does not read.
func TestARecordThatASnapshotLacksIsForgotten(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[1]
	n.reg.refuse["h"] = true
	w.nodes[0].heartbeat("h")
	w.run(sec)
	require.Equal(t, 1, n.core.Stats().Unmirrored)
	n.cut = true
	w.nodes[0].leave("h")
	w.run(3 * sec)
	n.cut, n.cursor = false, nil
	w.run(20 * sec)
	require.Nil(t, w.host("h"))
	require.Zero(t, n.core.Stats().Unmirrored)
}

// A member has died, so hosts that are due wait for their timeout once more. However many they are,
// what happens to other hosts is written. So it is if they are asked about already.
func TestManyHostsThatWaitHoldUpNoOther(t *testing.T) {
	for _, asked := range []bool{false, true} {
		if !asked && !effort.Full() {
			continue // 17,000 hosts take some seconds
		}
		w := settled(t, 3)
		n := w.nodes[0]
		for i := range 17_000 {
			n.reg.announce(fmt.Sprint("h", i), 0, "x")
		}
		n.pump()
		crash := 10 * sec
		if asked {
			crash = timeout - 2*sec
		}
		w.run(crash)
		w.nodes[2].crash()
		w.nodes = w.nodes[:2]
		w.run(max(timeout+2*sec-crash, lapse+3*sec))
		require.NotNil(t, w.host("h7"))
		require.Equal(t, asked, w.host("h7").Asked)
		require.False(t, w.host("h7").Claimed)
		n.heartbeat("fresh")
		w.run(2 * sec)
		require.NotNil(t, w.host("fresh"))
		w.everywhere("fresh")
		require.Len(t, n.reg.hosts, 17_001)
	}
}

// A cleanup was done while this member did not read, so a record that comes back later is deleted
// without another one.
func TestASnapshotThatLacksADepartureTellsThatItIsDone(t *testing.T) {
	w := settled(t, 2)
	w.nodes[0].heartbeat("h")
	w.nodes[0].slow = 2 * sec
	w.run(sec)
	h := w.host("h")
	w.nodes[0].leave("h")
	w.run(sec)
	key, _, _ := w.gone("h")
	n := w.nodes[1]
	n.cut = true
	w.run(20 * sec)
	require.Equal(t, 1, w.cleans[key])
	require.Zero(t, w.count(record.KindGone))
	n.cut, n.cursor = false, nil
	w.run(20 * sec)
	w.nodes[0].crash()
	w.nodes = w.nodes[1:]
	w.run(20 * sec)
	require.NoError(t, w.table.Put([]table.Write{{Key: record.HostKey("h"), Version: 9, Value: h.Encode()}}))
	w.run(20 * sec)
	require.Nil(t, w.host("h"))
	require.Zero(t, w.count(record.KindGone))
	require.Equal(t, 1, w.cleans[key])
}

// While a member is cut off, a host departs, joins again and leaves. The member reads a snapshot
// meanwhile, so the deletion may be all that it sees of the second registration.
func TestADeletionWhileASnapshotIsRead(t *testing.T) {
	for i := range 16 {
		w, id := newWorld(t, 1, 0), fmt.Sprint("h", i)
		w.table = table.New("t", table.Config{Pages: 16}) // it is on any of them
		a, b := w.add("A"), w.add("B")
		w.run(15 * sec)
		a.reg.announce(id, 1, "x")
		a.pump()
		w.run(sec)
		b.cut = true
		a.leave(id)
		w.run(20 * sec) // B is removed, and the first departure is done
		a.reg.announce(id, 2, "x")
		a.pump()
		w.run(sec)
		b.cut, b.cursor = false, nil
		b.poll()
		w.run(20 * ms)
		a.leave(id)
		w.run(8 * sec)
		w.nowhere(id)
		b.reg.announce(id, 3, "x")
		b.pump()
		w.run(5 * sec)
		require.Len(t, w.ends, 2)
		for k, n := range w.ends {
			require.Equal(t, 1, n, "%s", k)
		}
	}
}

// A member that has read a snapshot is quiet for a Lapse. It says all the same that a cleanup is done:
// it may end before.
func TestACleanupInAQuietTimeIsMarkedAtOnce(t *testing.T) {
	w := settled(t, 2)
	n := w.nodes[0]
	n.heartbeat("h")
	w.run(sec)
	n.cursor = nil
	w.run(500 * ms)
	n.leave("h")
	w.run(sec)
	_, _, g := w.gone("h")
	require.True(t, g.Done)
	require.False(t, n.core.Unmarked())
	n.core.Goodbye()
	n.pump()
	w.run(100 * ms)
	n.crash()
	w.nodes = w.nodes[1:]
	w.run(20 * sec)
	require.Equal(t, map[string]int{"gone/h/1": 1}, w.cleans)
	require.Zero(t, w.count(record.KindGone))
}
